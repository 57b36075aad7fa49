//! What `/info` says of the build, the system and the process.

use std::fmt;

use super::*;
use management_core::{BuildInfo, build_info};
use serde_json::json;

async fn info(builder: Builder) -> Value {
    json(&get(&Endpoint::new(&builder.build().unwrap()), "/z/info", V3).await)
}

async fn version(builder: Builder) -> String {
    get(&Endpoint::new(&builder.build().unwrap()), "/z/version", "").await.into_body()
}

fn this() -> BuildInfo {
    build_info!()
}

#[tokio::test]
async fn the_build_of_this_program() {
    let info = info(Management::builder().build_info(this())).await;
    let build = &info["build"];
    assert_eq!((&build["name"], &build["artifact"]), (&json!("tests"), &json!("tests")));
    assert_eq!(build["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(build["profile"], if cfg!(debug_assertions) { "debug" } else { "release" });
    assert!(build["rustc"].as_str().unwrap().starts_with("rustc "), "{build}");
    assert!(build["target"].as_str().unwrap().contains(std::env::consts::ARCH), "{build}");
    assert_eq!(info["app"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["trace.attributes"]["service.version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn the_system_and_the_process() {
    let info = info(Management::builder()).await;
    assert!(info.get("build").is_none() && info.get("git").is_none(), "{info}");
    for key in ["name", "version", "arch"] {
        assert!(info["os"][key].is_string(), "{key}: {info}");
    }
    assert_eq!(info["os"]["arch"], info["trace.attributes"]["host.arch"]);
    assert_eq!(info["process"]["pid"], std::process::id());
    assert!(info["process"]["parentPid"].is_u64() && info["process"]["owner"].is_string());
    assert!(info["process"]["cpus"].as_u64() > Some(0), "{info}");
}

#[tokio::test]
async fn the_version_comes_from_the_nearest_source() {
    let with_build = || Management::builder().build_info(this());
    assert_eq!(version(with_build()).await, env!("CARGO_PKG_VERSION"));
    let provided = with_build().version_provider(async || Ok::<_, fmt::Error>("8.0"));
    assert_eq!(version(provided).await, "8.0");
    let none = with_build().version_provider(async || Ok::<_, fmt::Error>(None::<String>));
    assert_eq!(version(none).await, env!("CARGO_PKG_VERSION"));
    let provided = with_build().version_provider(async || Ok::<_, fmt::Error>("7.0"));
    let info = info(provided).await;
    assert_eq!(
        (&info["app"]["version"], &info["build"]["version"]),
        (&json!("7.0"), &json!("7.0"))
    );
}

#[tokio::test]
async fn keys_select_and_the_program_wins() {
    let all = || Management::builder().name("orders").build_info(this());
    let only = info(all().info_keys(["os"])).await;
    assert_eq!(only.as_object().unwrap().keys().collect::<Vec<_>>(), ["os"]);
    let only = info(all().info_keys(["git", "app"])).await;
    assert_eq!(only, json!({"app": {"name": "orders", "version": env!("CARGO_PKG_VERSION")}}));
    let own = all()
        .info_contributor("git", async || Ok::<_, fmt::Error>("main"))
        .info_contributor("process", async || Ok::<_, fmt::Error>(7));
    let own = info(own).await;
    assert_eq!((&own["git"], &own["process"]), (&json!("main"), &json!(7)));
}
