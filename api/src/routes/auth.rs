//! Logging in and out.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use souk_infra::people::{Issued, sessions, users};
use souk_infra::{Refusal, RefusalKind};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::MaybeUser;
use crate::error::{ApiError, Problem, Result, refusal};
use crate::extract::{Json, OptionalJson};
use crate::limit::LoginBudget;
use crate::state::AppState;
use crate::tenancy::Tenancy;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
}

/// A new login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterRequest {
    /// Has one login in this marketplace.
    #[schema(example = "ann@example.com")]
    email: String,
    /// 10 to 200 characters.
    #[schema(min_length = 10, max_length = 200, format = Password)]
    password: String,
    /// For greetings.
    name: Option<String>,
}

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    /// As registered; upper and lower case are the same.
    #[schema(example = "ann@example.com")]
    email: String,
    #[schema(format = Password)]
    password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    /// The newest one; it is good once.
    refresh_token: String,
}

/// What to end.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogoutRequest {
    /// Ends this token's login. Without it, the access token's login ends.
    refresh_token: Option<String>,
}

/// Tokens for the API.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokensView {
    /// Whose they are.
    pub user: UserView,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// Exchanges once for new tokens, within 30 days.
    pub refresh_token: String,
    /// Seconds until the access token's time is over.
    #[schema(example = 900)]
    pub expires_in: i64,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// The person's id.
    #[schema(example = "usr_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// Trimmed and in lower case.
    #[schema(example = "ann@example.com")]
    pub email: String,
}

impl From<Issued> for TokensView {
    fn from(issued: Issued) -> Self {
        Self {
            user: UserView { id: issued.user.id.to_string(), email: issued.user.email },
            access_token: issued.access_token,
            refresh_token: issued.refresh_token,
            expires_in: issued.expires_in,
        }
    }
}

/// Makes a login and logs in. An address that has one already is `email_taken`.
#[utoipa::path(
    post, path = "/v1/auth/register", tag = "people", request_body = RegisterRequest,
    responses(
        (status = 201, body = TokensView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "email_taken"),
    )
)]
async fn register(
    State(state): State<AppState>,
    tenancy: Tenancy,
    _budget: LoginBudget,
    Json(body): Json<RegisterRequest>,
) -> Result<(StatusCode, axum::Json<TokensView>)> {
    let scope = tenancy.anonymous();
    let user =
        users::register(&state.souk, &scope, &body.email, &body.password, body.name.as_deref()).await?;
    let issued = sessions::open(&state.souk, &scope, user).await?;
    Ok((StatusCode::CREATED, axum::Json(issued.into())))
}

/// Logs in. A wrong password and an unknown address are the same answer: 401 `invalid_credentials`.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "people", request_body = LoginRequest,
    responses(
        (status = 200, body = TokensView),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "invalid_credentials"),
    )
)]
async fn login(
    State(state): State<AppState>,
    tenancy: Tenancy,
    _budget: LoginBudget,
    Json(body): Json<LoginRequest>,
) -> Result<axum::Json<TokensView>> {
    let scope = tenancy.anonymous();
    let user = users::authenticate(&state.souk, &scope, &body.email, &body.password).await?;
    let user = user.ok_or_else(|| {
        let detail = "The e-mail address or the password is wrong.";
        refusal(RefusalKind::Unauthenticated, "invalid_credentials", detail)
    })?;
    Ok(axum::Json(sessions::open(&state.souk, &scope, user).await?.into()))
}

/// Exchanges a refresh token for new tokens. Each refresh token is good once: using an older one again is taken for
/// theft and ends the whole login.
#[utoipa::path(
    post, path = "/v1/auth/refresh", tag = "people", request_body = RefreshRequest,
    responses(
        (status = 200, body = TokensView),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "invalid_refresh_token"),
    )
)]
async fn refresh(
    State(state): State<AppState>,
    tenancy: Tenancy,
    Json(body): Json<RefreshRequest>,
) -> Result<axum::Json<TokensView>> {
    let issued = sessions::refresh(&state.souk, &tenancy.anonymous(), &body.refresh_token).await?;
    Ok(axum::Json(issued.into()))
}

/// Ends a login: the one of the refresh token in the body, or the one of the access token. Repeating it is harmless.
#[utoipa::path(
    post, path = "/v1/auth/logout", tag = "people", request_body = Option<LogoutRequest>, security((), ("bearer" = [])),
    responses((status = 204), (status = 400, body = Problem, content_type = "application/problem+json"))
)]
async fn logout(
    State(state): State<AppState>,
    tenancy: Tenancy,
    caller: Result<MaybeUser>,
    OptionalJson(body): OptionalJson<LogoutRequest>,
) -> Result<StatusCode> {
    let scope = tenancy.anonymous();
    if let Some(token) = &body.refresh_token {
        sessions::revoke(&state.souk, &scope, token).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    match caller?.session() {
        Some(session) => sessions::revoke_session(&state.souk, &scope, session).await?,
        None => return Err(missing_token()),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn missing_token() -> ApiError {
    let detail = "Send the refresh token, or the access token in Authorization.";
    let refusal = Refusal::new(RefusalKind::Invalid, "missing_field", detail);
    ApiError(refusal.at("/refresh_token").into())
}
