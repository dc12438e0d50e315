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
    let detail = match what.split_once("expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => what.to_owned(),
    };
    let sentence = format!("The query is wrong: {field} {detail}.").replace(":  ", ": ");
    let mut refusal = Refusal::new(RefusalKind::Invalid, "invalid_query", sentence);
    if !field.is_empty() {
        refusal.fields.push(FieldError { pointer: format!("#/{field}"), detail });
    }
    ApiError(refusal.into())
}
