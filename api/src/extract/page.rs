//! Which part of a list is wanted: `?limit=1..100&starting_after=<id>`.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use souk_infra::page::Page;
use souk_infra::{FieldError, Refusal, RefusalKind};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::{ApiError, Result};

/// A page of things whose ids are `I`. Other parameters of the same query are left to the handler's own type, which
/// must then tolerate these two.
#[derive(Debug)]
pub struct PageQuery<I> {
    /// What the list functions take.
    pub page: Page,
    ids: std::marker::PhantomData<fn() -> I>,
}

/// The two parameters, for the description of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes")]
pub struct PageParams {
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u64>,
    /// The id of the last one of the page before.
    starting_after: Option<String>,
}

impl<S: Send + Sync, I: FromStr + Into<Uuid>> FromRequestParts<S> for PageQuery<I>
where
    I::Err: std::fmt::Display,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let mut page = Page::default();
        let query = parts.uri.query().unwrap_or("");
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=100).contains(limit));
                    page.limit = limit
                        .ok_or_else(|| invalid_parameter("limit", "must be a whole number from 1 to 100"))?;
                }
                "starting_after" => {
                    let id: I = value.parse().map_err(|error: I::Err| {
                        let error = error.to_string();
                        let form = error.strip_prefix("expected ").unwrap_or(&error);
                        invalid_parameter("starting_after", format!("must be {form}"))
                    })?;
                    page.after = Some(id.into());
                }
                _ => {}
            }
        }
        Ok(Self { page, ids: std::marker::PhantomData })
    }
}

/// A query parameter outside its bounds: 400 `invalid_query`, which names it.
pub fn invalid_parameter(field: &str, detail: impl Into<String>) -> ApiError {
    let detail = detail.into();
    let mut refusal = Refusal::new(RefusalKind::Invalid, "invalid_query", format!("{field} {detail}."));
    refusal.fields.push(FieldError { pointer: format!("#/{field}"), detail });
    ApiError(refusal.into())
}
