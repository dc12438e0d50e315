//! The sandbox as the demo sets it up: what a founder does in Stripe's dashboard, and what a seller fills in on
//! Stripe's pages.

use anyhow::{Context as _, bail};
use serde_json::Value;
use souk_infra::inbox::Endpoint;

/// A client of the sandbox.
pub(super) struct Provider {
    http: reqwest::Client,
    base: String,
}

impl Provider {
    pub(super) fn new(base: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build().context("an HTTP client")?;
        Ok(Self { http, base })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Registers a webhook endpoint and says its secret.
    pub(super) async fn listen(
        &self,
        secret_key: &str,
        url: &str,
        endpoint: Endpoint,
    ) -> anyhow::Result<String> {
        let mut form = vec![
            ("url".to_owned(), url.to_owned()),
            ("api_version".to_owned(), "2026-09-30.endive".to_owned()),
            ("connect".to_owned(), (endpoint == Endpoint::Connect).to_string()),
        ];
        for (index, event) in endpoint.needed_events().iter().enumerate() {
            form.push((format!("enabled_events[{index}]"), (*event).to_owned()));
        }
        let request =
            self.http.post(format!("{}/v1/webhook_endpoints", self.base)).bearer_auth(secret_key).form(&form);
        let answer = read(request).await.context("registering a webhook endpoint")?;
        answer["secret"].as_str().map(str::to_owned).context("the webhook endpoint has no secret")
    }

    /// Does what a seller does on the hosted onboarding page.
    pub(super) async fn complete_onboarding(&self, account: &str) -> anyhow::Result<()> {
        let url = format!("{}/_sandbox/accounts/{account}/complete_onboarding", self.base);
        read(self.http.post(url)).await.context("completing onboarding").map(|_| ())
    }
}

async fn read(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("the sandbox answered {status}: {text}");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
