//! What arrives at the webhook endpoints and was not sent by the provider is refused and leaves nothing behind; what
//! was sent by it is kept, whatever it is.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::MEBIBYTE;
use crate::support::raw::{chunked, exchange};
use crate::support::{Api, Reply, World, eventually};

/// A `Stripe-Signature` over a body, made so many seconds ago.
fn signature(secret: &str, body: &[u8], seconds_ago: i64) -> String {
    let stamp = chrono::Utc::now().timestamp() - seconds_ago;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{stamp}.").as_bytes());
    mac.update(body);
    format!("t={stamp},v1={}", hex::encode(mac.finalize().into_bytes()))
}

fn event(id: &str) -> Vec<u8> {
    let body = json!({
        "id": id, "object": "event", "type": "checkout.session.completed", "livemode": false,
        "created": chrono::Utc::now().timestamp(), "data": {"object": {"id": "cs_test_nobody"}},
    });
    body.to_string().into_bytes()
}

async fn deliver(api: &Api, path: &str, signature: Option<&[u8]>, body: Vec<u8>) -> Reply {
    let mut request = api.request(Method::POST, path).header("content-type", "application/json").body(body);
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    api.send(request).await
}

/// The provider's ids of everything that is stored.
async fn stored(admin: &Api) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let page = admin.get(&format!("/v1/admin/webhook-events?limit=100{after}")).await.expect(200);
        let rows = page["data"].as_array().unwrap();
        ids.extend(rows.iter().map(|row| row["provider_event_id"].as_str().unwrap().to_owned()));
        match rows.last() {
            Some(last) if page["has_more"] == true => {
                after = format!("&starting_after={}", last["id"].as_str().unwrap());
            }
            _ => return ids,
        }
    }
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_is_refused_and_not_stored() {
    let world = World::start().await;
    let (anonymous, admin) = (world.anonymous(), world.admin().await);
    let tenant = &world.info().tenants[0];
    let (platform, connect) = (tenant.webhook_secret.as_str(), tenant.connect_webhook_secret.as_str());
    let foreign = world.info().tenants[1].webhook_secret.as_str();
    let endpoints =
        [("/webhooks/stripe", platform, connect), ("/webhooks/stripe/connect", connect, platform)];
    for (path, own, other) in endpoints {
        let body = event("evt_refused");
        let good = signature(own, &body, 0);
        let (stamp, hash) = good.split_once(',').unwrap();
        let bad: Vec<Vec<u8>> = [
            String::new(),
            "nonsense".to_owned(),
            ",,,===,".to_owned(),
            stamp.to_owned(),
            hash.to_owned(),
            format!("{stamp},v1="),
            format!("{stamp},v1=zz"),
            format!("{stamp},{}", &hash[..hash.len() - 2]),
            format!("{stamp},{}00", &hash[..hash.len() - 2]),
            format!("{stamp},{}", hash.replace("v1=", "v0=")),
            format!("t=abc,{hash}"),
            format!("t=99999999999999999999,{hash}"),
            format!("t=-9223372036854775808,{hash}"),
            format!("t=0,{stamp},{hash}").replace(stamp, "t=0"),
            format!("{stamp}{}", ",v1=00".repeat(1_000)),
            signature(own, &body, 301),
            signature(own, &body, -302),
            signature(own, b"another body", 0),
            signature(other, &body, 0),
            signature(foreign, &body, 0),
            signature("", &body, 0),
        ]
        .into_iter()
        .map(String::into_bytes)
        .chain([vec![0xff, 0xfe, b'=', 0x80]])
        .collect();
        deliver(&anonymous, path, None, body.clone()).await.refused(400, "bad_signature");
        for header in bad {
            let reply = deliver(&anonymous, path, Some(&header), body.clone()).await;
            let said = reply.refused(400, "bad_signature").to_string();
            assert!(!said.contains("evt_refused") && !said.contains("v1="), "{said}");
        }

        // Too large, though signed: refused unread where the length is announced, and counted where it is not.
        let large = vec![b' '; MEBIBYTE + 1];
        let signed = signature(own, &large, 0);
        deliver(&anonymous, path, Some(signed.as_bytes()), large.clone())
            .await
            .refused(413, "body_too_large");
        let base = &world.info().base_url;
        let host = base.strip_prefix("http://").unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nstripe-signature: {signed}\r\n");
        exchange(base, &chunked(&head, &large)).await.refused(413, "body_too_large");
    }
    let ids = stored(&admin).await;
    assert!(!ids.iter().any(|id| id == "evt_refused" || id.starts_with("sha256:")), "{ids:?}");

    // The same event, signed rightly, is stored: what was refused above was refused for its signature.
    for (path, own, _) in endpoints {
        let id = format!("evt_signed{}", path.replace('/', "_"));
        let body = event(&id);
        for age in [0, 290] {
            let signed = signature(own, &body, age);
            let reply = deliver(&anonymous, path, Some(signed.as_bytes()), body.clone()).await;
            assert_eq!(reply.expect(200), json!({"received": true}));
        }
        let times = stored(&admin).await.iter().filter(|stored| **stored == id).count();
        assert_eq!(times, 1, "{id}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_signed_is_kept_whatever_it_is() {
    let world = World::start().await;
    let (anonymous, admin) = (world.anonymous(), world.admin().await);
    let secret = world.info().tenants[0].webhook_secret.clone();
    let before = stored(&admin).await.len();
    let exactly = vec![b' '; MEBIBYTE];
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"no json".to_vec(),
        b"\x00\x01\x02".to_vec(),
        b"\xff\xfe\xfd".to_vec(),
        br#"{"id": "evt_zero\u0000inside", "type": "a\u0000b"}"#.to_vec(),
        br#"{"id": "", "type": ""}"#.to_vec(),
        br#"{"id": 7, "type": [], "livemode": "yes", "created": "now", "account": {}}"#.to_vec(),
        br#"{"id": "evt_far", "type": "x", "created": 9223372036854775807}"#.to_vec(),
        br#"{"id": "evt_early", "type": "x", "created": -9000000000000}"#.to_vec(),
        br#"{"id": "evt_edge", "type": "x", "created": 8210266876799}"#.to_vec(),
        format!(r#"{{"id": "evt_{}", "type": "{}"}}"#, "i".repeat(5_000), "ü".repeat(5_000)).into_bytes(),
        format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes(),
        exactly,
    ];
    for body in &bodies {
        let signed = signature(&secret, body, 0);
        let reply = deliver(&anonymous, "/webhooks/stripe", Some(signed.as_bytes()), body.clone()).await;
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({"received": true})), "{start:?}");
    }
    // Each of them is worked off as something that cannot be read, and none of them holds up the rest.
    eventually("all of them are kept and settled", || async {
        let list = admin.get("/v1/admin/webhook-events?limit=100").await.expect(200);
        let rows = list["data"].as_array().unwrap();
        let open: Vec<&Value> = rows.iter().filter(|row| row["status"] == "pending").collect();
        // The demo's own events may still be arriving.
        if rows.len() >= before + bodies.len() && open.is_empty() {
            Ok(())
        } else {
            Err(format!("{} of {}, open: {open:?}", rows.len(), before + bodies.len()))
        }
    })
    .await;
    let list = admin.get("/v1/admin/webhook-events?limit=100").await.expect(200);
    let settled =
        |row: &&Value| row["status"] == "ignored" && !row["reason"].as_str().unwrap_or("").is_empty();
    let ignored = list["data"].as_array().unwrap().iter().filter(settled).count();
    assert!(ignored >= bodies.len(), "{list}");

    // One that ought to be a sale and cannot be read is not ignored: it is tried again, with the reason in sight.
    let body =
        br#"{"id": "evt_sale", "type": "checkout.session.completed", "data": {"object": "none"}}"#.to_vec();
    let signed = signature(&secret, &body, 0);
    deliver(&anonymous, "/webhooks/stripe", Some(signed.as_bytes()), body).await.expect(200);
    eventually("the unreadable sale has a reason", || async {
        let list = admin.get("/v1/admin/webhook-events?limit=1").await.expect(200);
        let row = &list["data"][0];
        let explained = row["provider_event_id"] == "evt_sale" && row["reason"].is_string();
        if explained && row["status"] == "pending" { Ok(()) } else { Err(row.to_string()) }
    })
    .await;
    world.finish().await;
}
