//! Where providers report. The signature is checked on the raw bytes with that endpoint's own secrets before
//! anything else, and the event is durable before the answer; nothing else happens here.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use souk_domain::payment::Provider;
use souk_domain::people::Scope;
use souk_infra::inbox::{self, Endpoint, signature};
use souk_infra::{RefusalKind, tenants};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Problem, Result, refusal};
use crate::state::AppState;
use crate::tenancy::Tenancy;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(platform)).routes(routes!(connect))
}

/// The event is stored.
#[derive(Serialize, ToSchema)]
struct Received {
    /// Always true.
    received: bool,
}

/// Take a Stripe event of the platform's own account.
///
/// 400 for a missing, wrong or stale signature, which stores nothing; 404 where this marketplace has no secret for
/// this endpoint.
#[utoipa::path(
    post,
    path = "/webhooks/stripe",
    tag = "webhooks",
    request_body(content = String, content_type = "application/json"),
    params(("Stripe-Signature" = String, Header, description = "`t=…,v1=…`")),
    responses((status = 200, body = Received), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem)),
)]
async fn platform(
    state: State<AppState>,
    tenancy: Tenancy,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<Received>> {
    receive(state, tenancy, headers, body, Endpoint::Platform).await
}

/// Take a Stripe event of a connected account.
///
/// As for the platform's endpoint, with this endpoint's own secrets.
#[utoipa::path(
    post,
    path = "/webhooks/stripe/connect",
    tag = "webhooks",
    request_body(content = String, content_type = "application/json"),
    params(("Stripe-Signature" = String, Header, description = "`t=…,v1=…`")),
    responses((status = 200, body = Received), (status = 400, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem)),
)]
async fn connect(
    state: State<AppState>,
    tenancy: Tenancy,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<Received>> {
    receive(state, tenancy, headers, body, Endpoint::Connect).await
}

async fn receive(
    State(state): State<AppState>,
    Tenancy(tenant): Tenancy,
    headers: HeaderMap,
    body: Bytes,
    endpoint: Endpoint,
) -> Result<axum::Json<Received>> {
    let keys = tenants::keys(&state.souk, tenant.id, Provider::Stripe).await?;
    let secrets = keys.map(|keys| match endpoint {
        Endpoint::Platform => keys.webhook_secrets,
        Endpoint::Connect => keys.connect_webhook_secrets,
    });
    let secrets = secrets.filter(|secrets| !secrets.is_empty()).ok_or_else(|| {
        refusal(
            RefusalKind::NotFound,
            "endpoint_not_configured",
            "This marketplace has no secret for this endpoint.",
        )
    })?;
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    // The reason is logged, the payload never is.
    signature::check_stripe(header, &body, &secrets, state.souk.clock.wall()).map_err(|why| {
        tracing::warn!(%why, endpoint = endpoint.as_str(), "webhook refused");
        refusal(RefusalKind::Invalid, "bad_signature", "The signature is missing, wrong or too old.")
    })?;
    let text = String::from_utf8_lossy(&body);
    inbox::append(&state.souk, &Scope::system(tenant.id), endpoint, &text).await?;
    Ok(axum::Json(Received { received: true }))
}
