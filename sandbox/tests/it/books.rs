//! Whatever happens in whatever order, no money appears or disappears.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Platform, World, destination, text};

#[derive(Clone, Debug)]
enum Step {
    PayDirect { amount: i64, fee: i64 },
    PayDestination { amount: i64, fee: i64 },
    PaySeparate { amount: i64 },
    Refund { which: usize, amount: i64, with_fee: bool, with_reversal: bool },
    Dispute { which: usize, won: bool },
    ReverseTransfer { which: usize, amount: i64 },
    Payout { amount: i64 },
    Wait { days: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let amount = 50..20_000_i64;
    prop_oneof![
        (amount.clone(), 0..50_i64).prop_map(|(amount, fee)| Step::PayDirect { amount, fee }),
        (amount.clone(), 0..50_i64).prop_map(|(amount, fee)| Step::PayDestination { amount, fee }),
        amount.clone().prop_map(|amount| Step::PaySeparate { amount }),
        (0..20_usize, 1..9_000_i64, any::<bool>(), any::<bool>()).prop_map(
            |(which, amount, with_fee, with_reversal)| Step::Refund {
                which,
                amount,
                with_fee,
                with_reversal
            }
        ),
        (0..20_usize, any::<bool>()).prop_map(|(which, won)| Step::Dispute { which, won }),
        (0..20_usize, 1..9_000_i64).prop_map(|(which, amount)| Step::ReverseTransfer { which, amount }),
        (1..9_000_i64).prop_map(|amount| Step::Payout { amount }),
        (1..3_i64).prop_map(|days| Step::Wait { days }),
    ]
}

fn pick(list: &Value, which: usize) -> Option<Value> {
    let data = list["data"].as_array()?;
    (!data.is_empty()).then(|| data[which % data.len()].clone())
}

/// Does one step. Refusals are part of the game: they must leave the books alone too.
async fn run(world: &World, platform: &Platform, seller: &str, step: Step) {
    let side = platform.on(seller);
    match step {
        Step::PayDirect { amount, fee } => {
            let fee = fee.to_string();
            side.paid(world, amount, &[("payment_intent_data[application_fee_amount]", &fee)]).await;
        }
        Step::PayDestination { amount, fee } => {
            platform.paid(world, amount, &destination(seller, &fee.to_string())).await;
        }
        Step::PaySeparate { amount } => {
            let intent = platform.paid(world, amount, &[]).await;
            let (charge, part) = (text(&intent["latest_charge"], "id"), (amount / 2).to_string());
            let form = [
                ("currency", "usd"),
                ("destination", seller),
                ("source_transaction", &charge),
                ("amount", &part),
            ];
            platform.post("transfers", &form).await.ok();
        }
        Step::Refund { which, amount, with_fee, with_reversal } => {
            for owner in [platform, &side] {
                let Some(intent) = pick(&owner.get("payment_intents").await.ok(), which) else { continue };
                let (intent, amount) = (text(&intent, "id"), amount.to_string());
                let form = [
                    ("payment_intent", intent.as_str()),
                    ("amount", amount.as_str()),
                    ("refund_application_fee", if with_fee { "true" } else { "false" }),
                    ("reverse_transfer", if with_reversal { "true" } else { "false" }),
                ];
                owner.post("refunds", &form).await;
            }
        }
        Step::Dispute { which, won } => {
            for owner in [platform, &side] {
                let Some(charge) = pick(&owner.get("charges").await.ok(), which) else { continue };
                let dispute =
                    world.control(&format!("charges/{}/dispute", text(&charge, "id")), json!({})).await;
                if dispute.status == 200 {
                    let path = format!("disputes/{}/resolve", text(&dispute.json, "id"));
                    world.control(&path, json!({ "outcome": if won { "won" } else { "lost" } })).await.ok();
                }
            }
        }
        Step::ReverseTransfer { which, amount } => {
            if let Some(transfer) = pick(&platform.get("transfers").await.ok(), which) {
                let path = format!("transfers/{}/reversals", text(&transfer, "id"));
                let form = [("amount", amount.to_string()), ("refund_application_fee", "false".to_owned())];
                let form: Vec<(&str, &str)> =
                    form.iter().map(|(name, value)| (*name, value.as_str())).collect();
                platform.post(&path, &form).await;
            }
        }
        Step::Payout { amount } => {
            let amount = amount.to_string();
            for owner in [platform, &side] {
                owner.post("payouts", &[("amount", &amount), ("currency", "usd")]).await;
            }
        }
        Step::Wait { days } => {
            world.control("clock/advance", json!({ "seconds": days * 86_400 })).await.ok();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_books_balance_after_anything(steps in prop::collection::vec(step(), 1..20), platform_pays in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (books, balances) = runtime.block_on(async {
            let world = World::start().await;
            let platform = world.platform("sk_test_one");
            let payer = if platform_pays { "application" } else { "account" };
            let controller = [("controller[fees][payer]", payer), ("controller[stripe_dashboard][type]", "none")];
            let seller = platform.seller(&world, &controller).await;
            for step in steps {
                run(&world, &platform, &seller, step).await;
            }
            let books = world.look("books").await;
            let mut balances = Vec::new();
            for owner in [&platform, &platform.on(&seller)] {
                let balance = owner.get("balance").await.ok();
                let shown = balance["available"][0]["amount"].as_i64().unwrap() + balance["pending"][0]["amount"].as_i64().unwrap();
                let account = owner.id().await;
                let summed = books["accounts"].as_array().unwrap().iter().find(|row| row["account"] == json!(account)).map_or(0, |row| row["balance_transactions"].as_i64().unwrap());
                balances.push((shown, summed));
            }
            world.sandbox.stop().await;
            (books, balances)
        });
        prop_assert_eq!(&books["balanced"], &json!(true), "{}", books);
        for (shown, summed) in balances {
            prop_assert_eq!(shown, summed);
        }
    }
}
