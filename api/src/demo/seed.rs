//! Two marketplaces with people, sellers, slots and codes.

use anyhow::Context as _;
use chrono::{Duration, Timelike as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use souk_domain::ids::{ListingId, SellerId, TenantId};
use souk_domain::money::{Currency, Money};
use souk_domain::payment::{CaptureMode, ChargeModel, Provider as Psp};
use souk_domain::people::{Actor, Membership, Role, Scope};
use souk_infra::catalogue::{listings, slots};
use souk_infra::entity::connected_accounts;
use souk_infra::fees::{self, NewFeeSchedule};
use souk_infra::inbox::Endpoint;
use souk_infra::people::{add_membership, users};
use souk_infra::promotions::{self, NewPromotion};
use souk_infra::sellers::{self, NewSeller, onboarding};
use souk_infra::tenants::{self, GatewayKeys, Tenant};
use souk_infra::{Souk, people};

use super::info::{Info, Login, SellerLogin, TenantInfo};
use super::provider::Provider;

pub(super) const FIRST: &str = "demo";
pub(super) const SECOND: &str = "second";
const PASSWORD: &str = "demo-password-1";

/// A seller of the demo.
struct Stall {
    name: &'static str,
    email: &'static str,
    charge_model: ChargeModel,
    onboarded: bool,
    listings: &'static [Offer],
}

/// A listing of the demo.
struct Offer {
    title: &'static str,
    description: &'static str,
    price: i64,
    capture: CaptureMode,
    /// Days from now, hour of the day in UTC, places.
    slots: &'static [(i64, u32, i64)],
}

/// A marketplace of the demo.
struct Market {
    slug: &'static str,
    name: &'static str,
    hosts: &'static [&'static str],
    host: &'static str,
    currency: &'static str,
    country: &'static str,
    timezone: &'static str,
    provider_codes: bool,
    stalls: &'static [Stall],
}

const MARKETS: &[Market] = &[
    Market {
        slug: FIRST,
        name: "Demo Market",
        hosts: &["localhost", "127.0.0.1", "[::1]"],
        host: "127.0.0.1",
        currency: "usd",
        country: "US",
        timezone: "America/New_York",
        provider_codes: true,
        stalls: &[
            Stall {
                name: "Harbour Sailing School",
                email: "sailing@demo.example",
                charge_model: ChargeModel::Direct,
                onboarded: true,
                listings: &[
                    Offer {
                        title: "Sunset sail",
                        description: "Two hours on the bay, for beginners too. We bring the life jackets.",
                        price: 6_500,
                        capture: CaptureMode::Automatic,
                        slots: &[(2, 22, 8), (4, 22, 8), (9, 22, 12)],
                    },
                    Offer {
                        title: "Private helm lesson",
                        description: "One pupil, one skipper, one morning.",
                        price: 18_000,
                        capture: CaptureMode::Automatic,
                        slots: &[(3, 14, 1), (10, 14, 1)],
                    },
                ],
            },
            Stall {
                name: "Ceramics on Hill Street",
                email: "ceramics@demo.example",
                charge_model: ChargeModel::Destination,
                onboarded: true,
                listings: &[
                    Offer {
                        title: "Wheel throwing for beginners",
                        description: "Three hours at the wheel; two of your bowls are fired and glazed.",
                        price: 2_500,
                        capture: CaptureMode::Automatic,
                        slots: &[(1, 23, 10), (5, 15, 10), (8, 23, 50)],
                    },
                    Offer {
                        title: "Raku firing night",
                        description: "Paid only once your place at the kiln is certain.",
                        price: 4_000,
                        capture: CaptureMode::OnConfirmation,
                        slots: &[(6, 23, 6)],
                    },
                ],
            },
            Stall {
                name: "Moonlight Tours",
                email: "tours@demo.example",
                charge_model: ChargeModel::Destination,
                onboarded: false,
                listings: &[],
            },
        ],
    },
    Market {
        slug: SECOND,
        name: "Second Market",
        hosts: &["second.localhost"],
        host: "second.localhost",
        currency: "eur",
        country: "DE",
        timezone: "Europe/Berlin",
        provider_codes: false,
        stalls: &[Stall {
            name: "Kochschule am Markt",
            email: "kochen@second.example",
            charge_model: ChargeModel::Direct,
            onboarded: true,
            listings: &[Offer {
                title: "Pasta from scratch",
                description: "An evening at the stove, dinner included.",
                price: 7_900,
                capture: CaptureMode::Automatic,
                slots: &[(2, 17, 12), (7, 17, 12)],
            }],
        }],
    },
];

/// Makes what is missing, connects everything with the sandbox that runs now, and says where everything is.
pub(super) async fn bring_up(souk: &Souk, provider: &Provider, port: u16) -> anyhow::Result<Info> {
    let seeded = super::is_seeded(souk).await?;
    let mut infos = Vec::new();
    for market in MARKETS {
        let base_url = format!("http://{}:{port}", market.host);
        if !seeded {
            tenants::create(souk, &tenant(market, &base_url)?, market.hosts).await?;
        }
        let tenant = tenants::by_slug(souk, market.slug).await?.context("the marketplace was just made")?;
        tenants::set_public_url(souk, tenant.id, &base_url).await?;
        let keys = connect(souk, provider, &tenant, market, &base_url).await?;
        let sellers = if seeded {
            reconnect(souk, provider, &tenant, market).await?
        } else {
            fill(souk, provider, &tenant, market).await?
        };
        infos.push(TenantInfo {
            slug: market.slug.to_owned(),
            base_url: base_url.clone(),
            stripe_secret_key: keys.secret_key,
            webhook_secret: keys.webhook_secrets.join(","),
            connect_webhook_secret: keys.connect_webhook_secrets.join(","),
            admin: login(&format!("admin@{}.example", market.slug)),
            sellers,
            buyer: login(&format!("buyer@{}.example", market.slug)),
        });
    }
    Ok(Info { base_url: infos[0].base_url.clone(), sandbox_url: provider.base().to_owned(), tenants: infos })
}

fn login(email: &str) -> Login {
    Login { email: email.to_owned(), password: PASSWORD.to_owned() }
}

fn tenant(market: &Market, base_url: &str) -> anyhow::Result<Tenant> {
    Ok(Tenant {
        id: TenantId::new(),
        slug: market.slug.to_owned(),
        name: market.name.to_owned(),
        currency: market.currency.parse()?,
        country: market.country.to_owned(),
        charge_model: ChargeModel::Destination,
        public_url: base_url.to_owned(),
        hold_seconds: 15 * 60,
        provider_codes: market.provider_codes,
        mixed_baskets: market.slug == FIRST,
    })
}

/// Both webhook endpoints at the sandbox, and the keys here.
async fn connect(
    souk: &Souk,
    provider: &Provider,
    tenant: &Tenant,
    market: &Market,
    base_url: &str,
) -> anyhow::Result<GatewayKeys> {
    let secret_key = format!("sk_test_souk{}0000000000000000000000", market.slug);
    let platform = format!("{base_url}/webhooks/stripe");
    let keys = GatewayKeys {
        api_base: provider.base().to_owned(),
        livemode: false,
        publishable_key: Some(secret_key.replacen("sk_", "pk_", 1)),
        webhook_secrets: vec![provider.listen(&secret_key, &platform, Endpoint::Platform).await?],
        connect_webhook_secrets: vec![
            provider.listen(&secret_key, &format!("{platform}/connect"), Endpoint::Connect).await?,
        ],
        secret_key,
        updated_at: souk.clock.now(),
    };
    tenants::set_keys(souk, tenant.id, Psp::Stripe, &keys).await?;
    Ok(keys)
}

async fn fill(
    souk: &Souk,
    provider: &Provider,
    tenant: &Tenant,
    market: &Market,
) -> anyhow::Result<Vec<SellerLogin>> {
    let system = Scope::system(tenant.id);
    let admin = users::register(
        souk,
        &system,
        &format!("admin@{}.example", market.slug),
        PASSWORD,
        Some("Ada Admin"),
    )
    .await?;
    let role = Membership { role: Role::TenantAdmin, seller_id: None };
    add_membership(souk.db.read(&system), &system, souk.clock.now(), admin.id, role).await?;
    users::register(souk, &system, &format!("buyer@{}.example", market.slug), PASSWORD, Some("Ben Buyer"))
        .await?;
    let as_admin = Scope { tenant: tenant.id, actor: Actor::User(admin.id) };
    fees::set_default(souk, &as_admin, NewFeeSchedule { fee_bps: 1_000, fixed: None, min: None, max: None })
        .await?;
    for (code, percent_bps) in [("WELCOME10", 1_000), ("FREE100", 10_000)] {
        promotions::create(souk, &as_admin, code_for(code, percent_bps)).await?;
    }
    let mut logins = Vec::new();
    for stall in market.stalls {
        let owner = users::register(souk, &system, stall.email, PASSWORD, None).await?;
        let scope = Scope { tenant: tenant.id, actor: Actor::User(owner.id) };
        let new = NewSeller {
            display_name: stall.name.to_owned(),
            country: market.country.to_owned(),
            charge_model: Some(stall.charge_model),
        };
        let seller = sellers::create(souk, &scope, new).await?.id;
        if stall.onboarded {
            onboard(souk, provider, &scope, seller).await?;
        }
        for offer in stall.listings {
            put_up(souk, &scope, seller, market, offer).await?;
        }
        logins.push(seller_login(stall, seller));
    }
    Ok(logins)
}

fn seller_login(stall: &Stall, id: SellerId) -> SellerLogin {
    SellerLogin {
        id: id.to_string(),
        email: stall.email.to_owned(),
        password: PASSWORD.to_owned(),
        charge_model: stall.charge_model.to_string(),
    }
}

fn code_for(code: &str, percent_bps: i64) -> NewPromotion {
    NewPromotion {
        code: code.to_owned(),
        percent_bps: Some(percent_bps),
        amount_off: None,
        min_subtotal: None,
        max_redemptions: None,
        starts_at: None,
        ends_at: None,
    }
}

/// The whole of onboarding: link, form, and what the provider then says.
async fn onboard(souk: &Souk, provider: &Provider, scope: &Scope, seller: SellerId) -> anyhow::Result<()> {
    onboarding::onboarding_link(souk, scope, seller, onboarding::ReturnTo::default()).await?;
    let account =
        sellers::get(souk, scope, seller).await?.connected_account.context("the account was just opened")?.id;
    provider.complete_onboarding(&account).await?;
    sellers::accounts::refresh_account(souk, scope, seller).await?;
    Ok(())
}

async fn put_up(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    market: &Market,
    offer: &Offer,
) -> anyhow::Result<()> {
    let currency: Currency = market.currency.parse()?;
    let new = listings::NewListing {
        title: offer.title.to_owned(),
        description: offer.description.to_owned(),
        price: Money::new(offer.price, currency),
        timezone: Some(market.timezone.to_owned()),
        capture: offer.capture,
    };
    let listing: ListingId = listings::create(souk, scope, seller, new).await?.id;
    for (days, hour, capacity) in offer.slots {
        let day = souk.clock.now() + Duration::days(*days);
        let start = day
            .with_hour(*hour)
            .and_then(|t| t.with_minute(0))
            .and_then(|t| t.with_second(0))
            .and_then(|t| t.with_nanosecond(0));
        let start = start.context("a full hour")?;
        let new = slots::NewSlot {
            starts_at: start.to_rfc3339(),
            ends_at: (start + Duration::hours(2)).to_rfc3339(),
            capacity: *capacity,
        };
        slots::create(souk, scope, seller, listing, new).await?;
    }
    Ok(())
}

/// The sandbox of an earlier run is gone, and its accounts with it: each onboarded seller gets a new one.
async fn reconnect(
    souk: &Souk,
    provider: &Provider,
    tenant: &Tenant,
    market: &Market,
) -> anyhow::Result<Vec<SellerLogin>> {
    let system = Scope::system(tenant.id);
    let mut logins = Vec::new();
    for stall in market.stalls {
        let owner = users::by_email(souk, &system, stall.email)
            .await?
            .context("a seller's login of an earlier run")?;
        let held = people::memberships(souk, &system, owner.id).await?;
        let seller = held.iter().find_map(|m| m.seller_id).context("a seller of an earlier run")?;
        let scope = Scope { tenant: tenant.id, actor: Actor::User(owner.id) };
        let forgotten = connected_accounts::Entity::delete_many()
            .filter(connected_accounts::Column::TenantId.eq(tenant.id.uuid()))
            .filter(connected_accounts::Column::SellerId.eq(seller.uuid()))
            .exec(souk.db.read(&scope))
            .await?;
        if forgotten.rows_affected > 0 {
            onboard(souk, provider, &scope, seller).await?;
        }
        logins.push(seller_login(stall, seller));
    }
    Ok(logins)
}
