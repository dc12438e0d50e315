//! The style sheet, the one script and the icon, compiled in. Their addresses carry a digest of their text, so that
//! browsers may keep them for good.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::AppState;

const STYLE: &str = include_str!("../../static/souk.css");
const ORDER_SCRIPT: &str = include_str!("../../static/order.js");
const ICON: &str = include_str!("../../static/icon.svg");

/// What changes whenever one of the files does.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    (STYLE, ORDER_SCRIPT, ICON).hash(&mut hasher);
    format!("{:x}", hasher.finish())
});

pub(super) fn routes() -> Router<AppState> {
    let kept = |kind: &'static str, text: &'static str| {
        get(async move || {
            ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=86400")], text).into_response()
        })
    };
    Router::new()
        .route("/static/souk.css", kept("text/css; charset=utf-8", STYLE))
        .route("/static/order.js", kept("text/javascript; charset=utf-8", ORDER_SCRIPT))
        .route("/static/icon.svg", kept("image/svg+xml", ICON))
}
