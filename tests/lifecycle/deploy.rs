//! What the files of `deploy/` and `docs/kubernetes.md` ask for is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::Router;
use management_axum::Management;

fn read(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(file)).unwrap()
}

/// What follows each `prefix` in `text`, up to what no path has in it.
fn paths(text: &str, prefix: &str) -> BTreeSet<String> {
    let rest = text.split(prefix).skip(1);
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == '/' || c == '_');
    rest.map(|rest| format!("/z/{}", rest.split(end).next().unwrap())).collect()
}

#[tokio::test]
async fn every_path_in_the_files_and_the_page_is_served() {
    let app: Router = management_axum::router(&Management::new().unwrap());
    let probes = paths(&read("deploy/kubernetes.yaml"), "path: /z/");
    assert_eq!(probes.len(), 3, "{probes:?}");
    let page = paths(&read("docs/kubernetes.md"), "/z/");
    assert!(page.is_superset(&probes), "{page:?}");
    for path in page {
        let answer = support::get(&app, &path).await;
        assert_eq!(answer.status, 200, "{path} answers {}", answer.body);
    }
}
