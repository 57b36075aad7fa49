//! The quickstart over its real database, and what README and `docs/` owe to their readers.

#[allow(dead_code, unreachable_pub, reason = "the test takes the place of its `main`")]
#[path = "../examples/quickstart.rs"]
mod quickstart;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use axum::Router;
use management_axum::Management;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use support::get;

/// Asks until the answer is from a run that began after the file was moved: the checks keep a
/// result for their `ttl`, and this test does not sleep through it.
async fn settled(app: &Router, path: &str, status: u16) -> support::Answer {
    let asking = async {
        loop {
            let answer = get(app, path).await;
            if answer.status.as_u16() == status {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, asking).await.expect("the answer changes")
}

#[test]
fn the_readme_shows_the_program_that_is_run() {
    let readme = include_str!("../management-axum/README.md");
    let program = readme.split("```rust,no_run,standalone_crate\n").nth(1).expect("a program");
    let program = program.split("```").next().unwrap();
    assert_eq!(program, include_str!("../examples/quickstart.rs"));
}

/// The labels that a page defines, as in `[groups]: groups.md`, and what they stand for.
fn definitions(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '/']));
    lines.filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect()
}

/// What a page says outside of its blocks of code.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let lines = page.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_page_is_in_the_guide_and_every_link_leads_to_a_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let guide = fs::read_to_string(root.join("management-axum/src/guide.rs")).unwrap();
    let known = definitions(&guide);
    assert!(known.contains_key("groups"), "{known:?}");

    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            guide.contains(&format!("\"../docs/{name}\"")),
            "guide.rs has no module for {name}"
        );
        pages.push(path);
    }
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let (text, defined) = (prose(&text), definitions(&text));
        for label in known.keys() {
            let is_used =
                text.split(&format!("[{label}]")).skip(1).any(|rest| !rest.starts_with(':'));
            assert!(!is_used || defined.contains_key(label), "{page:?} does not define [{label}]");
        }
        for (label, target) in defined {
            let is_local = target.ends_with(".md") && target != "ARCHITECTURE.md";
            let leads_to = page.parent().unwrap().join(target);
            assert!(!is_local || leads_to.is_file(), "{page:?}: [{label}] leads to {target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_database_file_taken_away_and_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    let (file, away) = (dir.path().join("app.db"), dir.path().join("away.db"));
    let options = SqliteConnectOptions::from_str(&format!("sqlite:{}", file.display())).unwrap();
    let pool = SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
    let management = Management::builder().name("quickstart").state(pool.clone()).build().unwrap();
    let app = quickstart::app(&management, pool);

    assert_eq!(get(&app, "/").await.status, 200);
    let health = get(&app, "/z/health").await;
    assert_eq!(
        (health.status.as_u16(), &*health.body),
        (200, r#"{"status":"UP","components":{"db":{"status":"UP"},"disk":{"status":"UP"}}}"#)
    );
    assert_eq!(get(&app, "/z/health/readiness").await.body, r#"{"status":"UP"}"#);
    assert_eq!(get(&app, "/z/version").await.body, env!("CARGO_PKG_VERSION"));
    let info = get(&app, "/z/info").await.body;
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["app"]["name"], "quickstart");
    assert_eq!(info["app"]["version"], env!("CARGO_PKG_VERSION"));

    fs::rename(&file, &away).unwrap();
    settled(&app, "/z/health/db", 503).await;
    let readiness = settled(&app, "/z/health/readiness", 503).await;
    assert_eq!(readiness.body, r#"{"status":"DOWN"}"#);
    assert_eq!(settled(&app, "/z/health", 503).await.status, 503);
    assert_eq!(get(&app, "/z/health/liveness").await.status, 200);
    let db = management.check("db").await.expect("it is registered");
    let reason = db.health().reason().expect("a reason");
    assert!(reason.contains("unable to open database file"), "{reason}");
    assert!(!file.exists(), "the check does not create the file anew");

    fs::rename(&away, &file).unwrap();
    settled(&app, "/z/health/db", 200).await;
    settled(&app, "/z/health/readiness", 200).await;
    assert_eq!(settled(&app, "/z/health", 200).await.body, health.body);
}
