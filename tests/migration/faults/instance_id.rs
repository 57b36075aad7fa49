//! The file that keeps the instance id.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use support::{Program, get};

use crate::migration::{app, builder, parsed};

/// The id of a program with this folder for temporary files.
async fn instance_id(temporary: &std::path::Path) -> String {
    let program = Program::answer("/z/info")
        .env("TMPDIR", temporary)
        .env("MANAGEMENT_SERVICE_INSTANCE_ID", "true");
    let info = program.json().await;
    info["trace.attributes"]["service.instance.id"].as_str().expect("an id").to_owned()
}

/// The id of a service of this name, kept in this folder.
async fn kept_id(name: &str, folder: &std::path::Path) -> String {
    let builder = builder().name(name).service_instance_id(true);
    let answer = get(&app(builder.service_instance_id_folder(folder)), "/z/info").await;
    assert_eq!(answer.status, 200);
    let info = parsed(&answer);
    info["trace.attributes"]["service.instance.id"].as_str().expect("an id").to_owned()
}

const FORESEEN: &str = "00000000000040008000000000000000";

#[tokio::test]
async fn nobody_else_can_plant_an_id_where_temporary_files_are() {
    let temporary = tempfile::tempdir().unwrap();
    // As the Python package names it.
    fs::write(temporary.path().join("answer-service-instance-id"), FORESEEN).unwrap();
    let id = instance_id(temporary.path()).await;
    assert_ne!(id, FORESEEN);
    let owner = fs::metadata(temporary.path()).unwrap().uid();
    let own = temporary.path().join(format!("management-{owner}"));
    let mode = fs::metadata(&own).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the folder is its owner's alone");

    // A folder that others may write to is not read.
    fs::write(own.join("instance-id-answer"), FORESEEN).unwrap();
    assert_eq!(instance_id(temporary.path()).await, FORESEEN);
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
    assert_ne!(instance_id(temporary.path()).await, FORESEEN);
}

#[tokio::test]
async fn the_instance_id_follows_no_links() {
    let (temporary, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let owner = fs::metadata(temporary.path()).unwrap().uid();
    symlink(victim.path(), temporary.path().join(format!("management-{owner}"))).unwrap();
    assert_eq!(instance_id(temporary.path()).await.len(), 32);
    assert!(fs::read_dir(victim.path()).unwrap().next().is_none(), "a link of the folder");

    let (folder, file) = (tempfile::tempdir().unwrap(), victim.path().join("file"));
    fs::write(&file, FORESEEN).unwrap();
    for name in ["instance-id-shop", "instance-id-shop.new", "instance-id-shop.lock"] {
        symlink(&file, folder.path().join(name)).unwrap();
    }
    assert_ne!(kept_id("shop", folder.path()).await, FORESEEN);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        FORESEEN,
        "what the link leads to is left alone"
    );
}

#[tokio::test]
async fn the_instance_id_is_written_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("instance-id-shop");
    // A process that died has left these half written.
    fs::write(&file, &FORESEEN[..7]).unwrap();
    fs::write(folder.path().join("instance-id-shop.new"), &FORESEEN[..7]).unwrap();
    let before = fs::File::open(&file).unwrap();
    let id = kept_id("shop", folder.path()).await;
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), id);
    assert_eq!(kept_id("shop", folder.path()).await, id);
    // A reader of the old file never sees a part of the new one.
    assert_eq!(std::io::read_to_string(before).unwrap(), &FORESEEN[..7]);
    assert!(!folder.path().join("instance-id-shop.new").exists());
}

#[tokio::test]
async fn a_name_with_slashes_stays_in_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("folder");
    let names = ["a/b", "../escaped", "../../escaped", "/etc/escaped", "..", "a\0b"];
    for name in names {
        let id = kept_id(name, &folder).await;
        assert_eq!(kept_id(name, &folder).await, id, "{name:?}");
    }
    let entries =
        |path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>();
    assert_eq!(entries(outer.path()).len(), 1);
    let ids = entries(&folder);
    assert!(ids.iter().all(|entry| entry.file_type().unwrap().is_file()));
    let ids = ids.iter().filter(|entry| !entry.file_name().to_str().unwrap().ends_with(".lock"));
    assert_eq!(ids.count(), names.len());
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_makes_no_500() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("instance-id-shop")).unwrap();
    assert_eq!(kept_id("shop", folder.path()).await.len(), 32);
    // The same holds for a file in place of the folder.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(kept_id("shop", &file).await.len(), 32);
}
