//! The endpoints of the API, one file per noun, and the table that finds them.

mod account_links;
mod account_sessions;
pub(crate) mod accounts;
mod application_fees;
mod balance;
mod capabilities;
mod charges;
mod checkout_sessions;
pub(crate) mod coupons;
pub(crate) mod customers;
mod disputes;
mod events;
mod payment_intents;
mod payouts;
pub(crate) mod prices;
mod products;
pub(crate) mod promotion_codes;
mod refunds;
mod transfers;
pub(crate) mod webhook_endpoints;

use crate::error::Answer;
use crate::http::Call;

/// An endpoint: its name as the parameter descriptions know it, and what runs.
pub(crate) struct Route {
    pub(crate) endpoint: &'static str,
    pub(crate) handler: fn(&mut Call<'_>) -> Answer,
}

impl Route {
    const fn new(endpoint: &'static str, handler: fn(&mut Call<'_>) -> Answer) -> Self {
        Self { endpoint, handler }
    }

    /// The placeholders' values, if the path is this endpoint's.
    fn matches(&self, method: &str, path: &str) -> Option<Vec<String>> {
        let (wanted_method, pattern) = self.endpoint.split_once(' ')?;
        if wanted_method != method {
            return None;
        }
        let mut args = Vec::new();
        let mut given = path.split('/');
        for wanted in pattern.split('/') {
            let segment = given.next()?;
            if wanted.starts_with('{') {
                if segment.is_empty() {
                    return None;
                }
                args.push(segment.to_owned());
            } else if wanted != segment {
                return None;
            }
        }
        given.next().is_none().then_some(args)
    }
}

const FAMILIES: &[&[Route]] = &[
    account_links::ROUTES,
    account_sessions::ROUTES,
    accounts::ROUTES,
    application_fees::ROUTES,
    balance::ROUTES,
    capabilities::ROUTES,
    charges::ROUTES,
    checkout_sessions::ROUTES,
    coupons::ROUTES,
    customers::ROUTES,
    disputes::ROUTES,
    events::ROUTES,
    payment_intents::ROUTES,
    payouts::ROUTES,
    prices::ROUTES,
    products::ROUTES,
    promotion_codes::ROUTES,
    refunds::ROUTES,
    transfers::ROUTES,
    webhook_endpoints::ROUTES,
];

/// The endpoint for a request, with what stands in its placeholders.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    FAMILIES
        .iter()
        .flat_map(|family| family.iter())
        .find_map(|route| route.matches(method, path).map(|args| (route, args)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_a_description() {
        for route in FAMILIES.iter().flat_map(|family| family.iter()) {
            assert!(crate::spec::describes(route.endpoint), "{} has no parameters", route.endpoint);
        }
    }

    #[test]
    fn paths_find_their_endpoint_and_nothing_else() {
        let (route, args) = find("POST", "/v1/checkout/sessions/cs_1/expire").unwrap();
        assert_eq!(
            (route.endpoint, args),
            ("POST /v1/checkout/sessions/{id}/expire", vec!["cs_1".to_owned()])
        );
        assert!(find("GET", "/v1/coupons/").is_none());
        assert!(find("PUT", "/v1/coupons").is_none());
    }
}
