//! The folders of `management-core` have an order, and imports run one way.
//!
//! The other tests show that the check finds each kind of mistake, on crates of a few lines.

use std::path::Path;

use architecture::{Order, Tree};

/// From what all import to what imports all.
const CORE: Order<'_> = Order {
    doors: &["lib", "private"],
    rows: &[
        &["text", "sync", "line"],
        &["error"],
        &["run"],
        &["check"],
        &["dependency"],
        &["config"],
        &["report"],
        &["info"],
        &["metrics"],
        &["management"],
        &["build"],
        &["endpoint"],
        &["lifecycle"],
    ],
};

const SMALL: Order<'_> =
    Order { doors: &["lib", "private"], rows: &[&["text", "line"], &["check"], &["report"]] };

/// The beginning of each of the small crates.
const LIB: (&str, &str) = (
    "lib.rs",
    "mod check; mod line; mod report; mod text; #[path = \"private.rs\"] pub mod __private;",
);

/// What breaks the order in a crate with these files; those of [`SMALL`] that are not given are empty.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = files.to_vec();
    if !files.iter().any(|(path, _)| *path == "lib.rs") {
        all.push(LIB);
    }
    for part in ["check", "line", "private", "report", "text"] {
        let (file, folder) = (format!("{part}.rs"), format!("{part}/"));
        if !files.iter().any(|(path, _)| *path == file || path.starts_with(&folder)) {
            all.push((file.leak(), ""));
        }
    }
    SMALL.faults(&Tree::of(&all))
}

/// The one fault of a crate.
fn fault(files: &[(&str, &str)]) -> String {
    let faults = faults(files);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.into_iter().next().unwrap()
}

/// A crate in which only `check.rs` has code, which begins at its first line.
fn fault_of_check(source: &str) -> String {
    fault(&[("check.rs", source), ("report/mod.rs", "mod slot;"), ("report/slot.rs", SLOT)])
}

const SLOT: &str = "pub(crate) struct Slot; impl Slot { pub(crate) fn new() {} }";

#[test]
fn an_import_from_a_folder_that_comes_later_is_a_fault() {
    assert_eq!(
        fault_of_check("\nuse crate::report::slot::Slot;"),
        "check.rs:2: `crate::report::slot::Slot` is from report/slot.rs, but `report` comes after `check` in the \
         order, and a folder imports only from itself and from those before it: text, line"
    );
}

#[test]
fn every_way_to_write_an_import_is_seen() {
    for source in [
        "use crate::report::slot::Slot as _;",
        "use crate::{text, report::{self as _, slot::{Slot}}};",
        "use super::report::slot::*;",
        "pub(crate) use crate::report::slot::Slot;",
        "fn f() { use crate::report::slot; }",
        "fn f() { crate::report::slot::Slot::new() }",
        "fn f() { super::report::slot::Slot::new() }",
        "fn f(_: Vec<Option<crate::report::slot::Slot>>) {}",
        "impl From<()> for crate::report::slot::Slot {}",
        "fn f() { <crate::report::slot::Slot as Clone>::clone() }",
        "fn f() { println!(\"{}\", [crate::report::slot::Slot::new()]) }",
        "macro_rules! m { () => { $crate::report::slot::Slot } }",
        "#[serde(with = \"crate::report::slot\")] struct S;",
        "mod inner { use super::super::report::slot::Slot; }",
        "mod inner { mod inner { fn f() { super::super::super::report::slot::Slot::new() } } }",
        "mod r#type { pub(in crate::text) use crate::report::slot::Slot; }",
        "#[cfg(not(test))] use crate::report::slot::Slot;",
        "#[cfg(any(test, unix))] use crate::report::slot::Slot;",
    ] {
        let faults = faults(&[
            ("check.rs", source),
            ("report/mod.rs", "pub(crate) mod slot;"),
            ("report/slot.rs", SLOT),
        ]);
        assert!(
            faults.iter().any(|fault| fault.contains("is from report/slot.rs, but `report`")),
            "{source}: {faults:#?}"
        );
    }
}

#[test]
fn a_path_deep_in_a_folder_is_seen_from_there() {
    let fault = fault(&[
        ("check/mod.rs", "mod kind;"),
        ("check/kind.rs", "\n\nuse super::super::{text::{self, mask}, report::slot::Slot};"),
        ("report.rs", "pub(crate) mod slot;"),
        ("report/slot.rs", SLOT),
        ("text.rs", "pub(crate) fn mask() {}"),
    ]);
    assert!(
        fault.starts_with(
            "check/kind.rs:3: `super::super::report::slot::Slot` is from report/slot.rs, but"
        ),
        "{fault}"
    );
}

#[test]
fn an_import_through_re_exports_is_one_from_the_file_that_defines_the_item() {
    let report =
        [("report/mod.rs", "mod slot; pub(crate) use self::slot::*;"), ("report/slot.rs", SLOT)];
    let import = [("check.rs", "use crate::report::Slot;")];
    let fault = fault(&[&import[..], &report].concat());
    assert!(
        fault.starts_with("check.rs:1: `crate::report::Slot` is from report/slot.rs"),
        "{fault}"
    );

    // The file in between breaks the order as well.
    let text = [("text.rs", "pub(crate) use crate::report::Slot;")];
    let import = [("check.rs", "use crate::text; fn f() { text::Slot::new() }")];
    let faults = faults(&[&import[..], &text, &report].concat());
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].starts_with("check.rs:1: `text::Slot::new` is from report/slot.rs"));
    assert!(faults[1].starts_with("text.rs:1: `crate::report::Slot` is from report/slot.rs"));
}

#[test]
fn folders_of_one_row_do_not_import_each_other() {
    assert_eq!(
        fault(&[("line.rs", "use crate::text::tidy;"), ("text.rs", "pub(crate) fn tidy() {}")]),
        "line.rs:1: `crate::text::tidy` is from text.rs, but `line` and `text` are in one row of the order, and do \
         not import each other"
    );
}

#[test]
fn nothing_is_imported_through_a_door() {
    let lib = (
        "lib.rs",
        "mod check; mod line; mod report; mod text; pub use text::Json; \
                          #[path = \"private.rs\"] pub mod __private; pub use inventory::submit;",
    );
    let text = ("text.rs", "pub struct Json;");
    assert_eq!(
        fault(&[lib, text, ("check.rs", "use crate::Json;")]),
        "check.rs:1: `crate::Json` goes through lib.rs, which is for users of the crate alone: import it from \
         text.rs, which defines it"
    );
    assert_eq!(
        fault(&[lib, text, ("check.rs", "fn f() { crate::submit!() }")]),
        "check.rs:1: `crate::submit` goes through lib.rs, which is for users of the crate alone: import it from the \
         crate that defines it"
    );
    let private = ("private.rs", "pub use crate::text::Json; pub fn own() {}");
    let through = fault(&[lib, text, private, ("check.rs", "use crate::__private::Json;")]);
    assert!(through.contains("goes through private.rs"), "{through}");
    let own = fault(&[lib, text, private, ("check.rs", "fn f() { crate::__private::own() }")]);
    assert!(own.contains("move the item to a file of its own"), "{own}");
}

#[test]
fn two_files_of_a_folder_that_import_each_other_are_a_fault() {
    assert_eq!(
        fault(&[
            ("check/mod.rs", "mod kind; mod name;"),
            ("check/kind.rs", "use super::name::Name;\npub(super) enum Kind { A }"),
            ("check/name.rs", "pub(super) struct Name;\n\nfn f() { super::kind::Kind::A; }"),
        ]),
        "these files import each other; move what they share to another file:\n    \
         check/kind.rs:1: `super::name::Name` is from check/name.rs\n    \
         check/name.rs:3: `super::kind::Kind::A` is from check/kind.rs"
    );
}

#[test]
fn a_longer_cycle_is_a_fault() {
    assert_eq!(
        fault(&[
            ("check/mod.rs", "mod a; mod b; mod c; mod d; pub(crate) use c::C;"),
            ("check/a.rs", "pub(super) struct A(super::b::B);"),
            ("check/b.rs", "use crate::check::C;\npub(super) struct B(C);"),
            ("check/c.rs", "use super::a::A;\npub(crate) struct C(A);"),
            // Imports from the cycle, and is not in it.
            ("check/d.rs", "use super::a::A;"),
        ]),
        "these files import each other; move what they share to another file:\n    \
         check/a.rs:1: `super::b::B` is from check/b.rs\n    \
         check/b.rs:1: `crate::check::C` is from check/c.rs\n    \
         check/c.rs:1: `super::a::A` is from check/a.rs"
    );
}

#[test]
fn each_of_two_cycles_is_a_fault() {
    let faults = faults(&[
        ("check/mod.rs", "mod a; mod b; mod c;"),
        ("check/a.rs", "use super::b::B; pub(super) struct A;"),
        ("check/b.rs", "use super::{a::A, c::C}; pub(super) struct B;"),
        ("check/c.rs", "use super::b::B; pub(super) struct C;"),
    ]);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].contains("check/a.rs") && faults[1].contains("check/c.rs"), "{faults:#?}");
}

#[test]
fn a_module_and_its_child_may_form_a_cycle_too() {
    let child = ("check/kind.rs", "use super::Check;\npub(crate) enum Kind {}");
    for uses in [
        "mod kind; use kind::Kind; pub(crate) struct Check;",
        "mod kind; pub(crate) struct Check(kind::Kind);",
        "mod kind; pub(crate) use kind::Kind; pub(crate) struct Check(Kind);",
    ] {
        let fault = fault(&[("check/mod.rs", uses), child]);
        assert!(fault.contains("`super::Check` is from check/mod.rs"), "{uses}: {fault}");
        assert!(fault.contains("is from check/kind.rs"), "{uses}: {fault}");
    }
}

#[test]
fn a_re_export_alone_is_no_import() {
    for exports in [
        "mod kind; pub(crate) use kind::Kind; pub(crate) struct Check;",
        "mod kind; pub use self::kind::{Kind as Sort}; pub(crate) struct Check;",
        "mod kind; pub(super) use kind::*; pub(crate) struct Check;",
        "mod kind; pub(crate) use crate::check::kind::Kind; pub(crate) struct Check;",
    ] {
        let child = ("check/kind.rs", "use super::Check; pub(crate) enum Kind {}");
        assert_eq!(faults(&[("check/mod.rs", exports), child]), [""; 0], "{exports}");
    }
    // Two siblings, of which one imports what the other defines through their parent.
    let siblings = [
        (
            "check/mod.rs",
            "mod kind; mod name; pub(crate) use kind::Kind; pub(crate) use name::Name;",
        ),
        ("check/kind.rs", "pub(crate) enum Kind { A }"),
        ("check/name.rs", "use super::Kind; pub(crate) struct Name(Kind);"),
    ];
    assert_eq!(faults(&siblings), [""; 0]);
}

#[test]
fn what_follows_the_order_is_accepted() {
    for source in [
        "use crate::text::Json; fn f() { crate::line::line!(); super::text::tidy() }",
        "use std::fmt; use ::report::Slot; use tokio::sync::{self, *}; fn f() { ::report::slot() }",
        // Names of other crates and of the module itself.
        "use serde::Deserialize as _; struct S; impl S { fn report() { Self::report() } }",
        "/// [`Slot`](crate::report::Slot)\npub(in crate::check) struct S;",
        "#[cfg(test)] mod tests { use super::*; use crate::report::Slot; }",
        "#[cfg(all(test, unix))] use crate::report::Slot;",
        "impl S { #[cfg(test)] fn f() { crate::report::slot() } }",
        "trait T { #[cfg(test)] fn f() { crate::report::slot() } }",
        "mod inner { use super::super::text::Json; use super::S; } use inner::X; struct S;",
        "fn f(report: u8) -> u8 { report::<u8>() }",
    ] {
        let files = [
            ("check.rs", source),
            ("line.rs", "macro_rules! line { () => {} } pub(crate) use line;"),
            ("report.rs", "use crate::{check, text::Json}; pub(crate) struct Slot; fn slot() {}"),
            ("text.rs", "pub(crate) struct Json; pub(crate) fn tidy() {}"),
        ];
        assert_eq!(faults(&files), [""; 0], "{source}");
    }
}

#[test]
fn a_file_for_tests_alone_is_not_read() {
    let files = [
        ("check/mod.rs", "#[cfg(test)] mod tests; mod helpers;"),
        ("check/tests.rs", "use crate::report::Slot; this does not parse"),
        ("check/helpers.rs", "#![cfg(test)] use crate::report::Slot;"),
    ];
    assert_eq!(faults(&files), [""; 0]);
}

#[test]
fn the_order_names_every_folder_and_nothing_else() {
    let lib = ("lib.rs", "mod check; mod line; mod text; mod extra;");
    assert_eq!(
        faults(&[lib, ("extra.rs", "use crate::check;")]),
        [
            "`extra` has no place in the order: add it after all that it imports from",
            "`private` is in the order, but the crate has no such module",
            "`report` is in the order, but the crate has no such module",
        ]
    );
}

#[test]
fn core_follows_its_order() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../management-core/src");
    let faults = CORE.faults(&Tree::read(&core, "management-core/src"));
    assert!(
        faults.is_empty(),
        "imports run one way through the folders of management-core, in the order of `CORE` in \
         tests/architecture.rs:\n\n{}\n",
        faults.join("\n")
    );
}
