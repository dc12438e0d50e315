//! Whatever a client puts into a form comes out again, in every notation that clients use.

use proptest::prelude::*;
use serde_json::Value;

use crate::support::{World, text};

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn metadata_survives_the_journey(key in "[a-zA-Z0-9_ .]{1,20}", value in "[^\u{0}]{1,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (raw, encoded) = runtime.block_on(async {
            let world = World::start().await;
            let send = |body: String| {
                let request = world.http.post(format!("{}/v1/coupons", world.sandbox.base_url()));
                request.bearer_auth("sk_test_one").header("content-type", "application/x-www-form-urlencoded").body(body).send()
            };
            let (name, content) = (encode(&key), encode(&value));
            let raw = send(format!("percent_off=5&metadata[{name}]={content}")).await.unwrap().json::<Value>().await.unwrap();
            let encoded = send(format!("percent_off=5&metadata%5B{name}%5D={content}")).await.unwrap().json::<Value>().await.unwrap();
            world.finish().await;
            (raw, encoded)
        });
        prop_assert_eq!(text(&raw["metadata"], &key), value.clone());
        prop_assert_eq!(text(&encoded["metadata"], &key), value);
    }
}
