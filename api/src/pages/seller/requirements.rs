//! What the provider still wants to know, in words. Its names for it are for programs.

/// Each requirement once, in words, in the provider's order.
pub(super) fn in_words(names: &[String]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for name in names {
        let text = one(name);
        if !words.contains(&text) {
            words.push(text);
        }
    }
    words
}

fn one(name: &str) -> String {
    let known = match name {
        "external_account" => "A bank account for payouts",
        "business_profile.url" => "The address of your website",
        "business_profile.mcc" => "What kind of business it is",
        "business_profile.product_description" => "What you sell",
        "business_type" => "Whether you are a person or a company",
        "company.tax_id" => "The company's tax number",
        "company.name" => "The company's name",
        _ if name.starts_with("tos_acceptance") => "Your agreement to the provider's terms",
        _ if name.ends_with("verification.document") => "A photo of an identity document",
        _ if name.ends_with("verification.additional_document") => {
            "A second document, such as a proof of address"
        }
        _ if name.contains(".address") => "Your address",
        _ if name.contains(".dob") => "Your date of birth",
        _ if name.ends_with("first_name") || name.ends_with("last_name") => "Your name",
        _ if name.ends_with("id_number") || name.ends_with("ssn_last_4") => "Your identification number",
        _ if name.rsplit('.').next() == Some("email") => "Your e-mail address",
        _ if name.rsplit('.').next() == Some("phone") => "Your telephone number",
        _ => return crate::pages::format::spaced(name),
    };
    known.to_owned()
}

/// Why charges or payouts are off.
pub(super) fn reason(name: &str) -> String {
    let known = match name {
        "requirements.past_due" => "Something that the provider asked for is overdue.",
        "requirements.pending_verification" => {
            "The provider is checking what you sent. There is nothing to do but wait."
        }
        "under_review" | "listed" => {
            "The provider is reviewing your account. There is nothing to do but wait."
        }
        "platform_paused" => "The marketplace has paused your account.",
        _ if name.starts_with("rejected") => "The provider has rejected your account.",
        _ => return format!("The provider says: {}.", crate::pages::format::spaced(name)),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_each_thing_once() {
        let names = ["tos_acceptance.date", "tos_acceptance.ip", "external_account", "owners.title"];
        let words = in_words(&names.map(str::to_owned));
        assert_eq!(
            words,
            ["Your agreement to the provider's terms", "A bank account for payouts", "owners title"]
        );
        assert!(reason("rejected.fraud").contains("rejected"));
    }
}
