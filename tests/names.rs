//! The attributes and the builder have the same rule for names.

use std::convert::Infallible;

use management_core::__private::{RESERVED_INFO_KEYS, RESERVED_NAMES};
use management_core::{Check, Management};
use syn::{Item, LitStr};

/// The names in the attributes of a file.
fn names_in(source: &str) -> Vec<String> {
    let file = syn::parse_file(source).unwrap();
    let functions = file.items.iter().filter_map(|item| match item {
        Item::Fn(function) => Some(function),
        _ => None,
    });
    let attributes = functions.flat_map(|function| &function.attrs);
    attributes.map(|attribute| attribute.parse_args::<LitStr>().unwrap().value()).collect()
}

#[test]
fn what_the_attribute_refuses_the_builder_refuses() {
    let refused = names_in(include_str!("ui/fail/names.rs"));
    assert_eq!(refused.len(), 5 + RESERVED_NAMES.len());
    for reserved in RESERVED_NAMES {
        assert!(refused.iter().any(|name| name == reserved), "`{reserved}` is in ui/fail/names.rs");
    }
    for name in refused {
        let error = Management::builder()
            .check(Check::new(&*name, async || ()))
            .build()
            .expect_err(&format!("{name:?} is no name"));
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains("names.rs:"), "the place is told: {error}");
    }
}

#[test]
fn what_the_attribute_accepts_the_builder_accepts() {
    let accepted = names_in(include_str!("ui/pass/names.rs"));
    assert_eq!(accepted.len(), 6);
    for name in accepted {
        let built = Management::builder().check(Check::new(&*name, async || ())).build();
        assert!(built.is_ok(), "{name:?}: {built:?}");
    }
}

/// The end of a message about a duration.
fn remedy(message: &str) -> &str {
    let (_, remedy) =
        message.rsplit_once("): ").unwrap_or_else(|| panic!("no remedy in {message}"));
    remedy
}

#[test]
fn the_attribute_and_the_configuration_show_the_same_duration() {
    let golden = include_str!("ui/fail/malformed_duration.stderr");
    let attribute: Vec<_> =
        golden.lines().filter(|line| line.starts_with("error")).map(remedy).collect();
    let config = serde_json::from_str::<management_core::Config>(r#"{"timeout": 2}"#);
    let error = config.unwrap_err().to_string();
    let (example, _) = remedy(&error).split_once(" at line").unwrap_or((remedy(&error), ""));
    assert_eq!(attribute, [example; 4]);
}

#[test]
fn keys_that_the_attribute_refuses_the_builder_refuses() {
    let refused = names_in(include_str!("ui/fail/reserved_info_keys.rs"));
    assert_eq!(refused, RESERVED_INFO_KEYS, "each of them is in the file");
    for key in refused {
        let error = Management::builder()
            .info_contributor(&*key, async || Ok::<_, Infallible>(1))
            .build()
            .expect_err(&format!("{key:?} is reserved"));
        assert!(error.to_string().contains("reserved"), "{error}");
    }
}

#[test]
fn groups_have_the_rule_of_names() {
    let error = Management::builder()
        .check(Check::new("db", async || ()).groups(["a/b", "payments"]))
        .build()
        .unwrap_err();
    assert_eq!(error.mistakes().len(), 1, "{error}");
    assert!(error.to_string().contains("\"a/b\" of the group of check `db`"), "{error}");
}
