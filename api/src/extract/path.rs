//! Ids in the path and parameters in the query.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use souk_infra::{Error, FieldError, Refusal, RefusalKind};

use super::page::invalid_parameter;
use crate::error::{ApiError, Result};

/// One typed id in the path, or a tuple of them. A text that is no such id names nothing: 404.
#[derive(Debug)]
pub struct PathId<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(ids)) => Ok(Self(ids)),
            Err(_) => Err(ApiError(Error::not_found("thing"))),
        }
    }
}

/// Query parameters. Types should carry `#[serde(deny_unknown_fields)]`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or("");
        // PostgreSQL's texts hold no zero byte, so that nothing stored could ever be meant.
        if let Some((name, _)) =
            url::form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.contains('\0'))
        {
            return Err(invalid_parameter(&name, "must not contain control characters"));
        }
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            use std::error::Error as _;
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            invalid_query(&why)
        })
    }
}

fn invalid_query(why: &str) -> ApiError {
    let (field, what) = match why.split_once(": ") {
        Some((field, what)) if field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => (field, what),
        _ => ("", why),
    };
    let quoted = |start: &str| what.strip_prefix(start).and_then(|rest| rest.split('`').next());
    let (field, detail) = if let Some(field) = quoted("unknown field `") {
        (field, "is not a parameter here".to_owned())
    } else if let Some(field) = quoted("missing field `") {
        (field, "is missing".to_owned())
    } else {
        let expected = what.split_once("expected ").map(|(_, expected)| format!("must be {expected}"));
        (field, expected.unwrap_or_else(|| what.to_owned()))
    };
    let sentence = format!("{field} {detail}.");
    let mut refusal = Refusal::new(RefusalKind::Invalid, "invalid_query", sentence.trim_start());
    if !field.is_empty() {
        refusal.fields.push(FieldError { pointer: format!("#/{field}"), detail });
    }
    ApiError(refusal.into())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Between {
        from: chrono::DateTime<chrono::Utc>,
        least: Option<i64>,
    }

    async fn refusal(query: &str) -> (String, String) {
        let (mut parts, ()) = Request::get(format!("/x?{query}")).body(()).unwrap().into_parts();
        let error = Query::<Between>::from_request_parts(&mut parts, &()).await.unwrap_err();
        let Error::Refused(mut refusal) = error.0 else { panic!("{error:?}") };
        assert_eq!(refusal.code, "invalid_query");
        (refusal.fields.remove(0).pointer, refusal.detail)
    }

    #[tokio::test]
    async fn every_mistake_is_named_by_its_parameter() {
        let now = "from=2026-11-21T00:00:00Z";
        assert_eq!(refusal("").await, ("#/from".into(), "from is missing.".into()));
        assert_eq!(refusal(&format!("{now}&x=1")).await, ("#/x".into(), "x is not a parameter here.".into()));
        assert_eq!(refusal("from=yesterday").await.0, "#/from");
        assert_eq!(refusal(&format!("{now}&least=a")).await.0, "#/least");
    }
}
