//! A panic on the thread of the endpoints.

use management_axum::{Management, lifecycle, listen};

use crate::application::runtime;
use crate::prober::fetch;
use crate::{alone, lines_with};

#[test]
fn it_is_logged_and_breaks_the_service() {
    let _alone = alone();
    let runtime = runtime(1);
    let management = Management::builder().mask(["x-tenant"]).build().unwrap();
    let listening = runtime.block_on(listen(&management, "127.0.0.1:0")).unwrap();
    let address = listening.local_addr();
    assert_eq!(fetch(address, "/z/health/liveness").0, 200);
    let thread = lifecycle::start_thread(&management).unwrap();
    let task = thread.spawn(async { panic!("lost the plot, password=hunter2, X-Tenant: 7f3a") });
    runtime.block_on(task).unwrap();
    assert_eq!(fetch(address, "/z/health/liveness").0, 503);
    let lines = lines_with("`management`", 3);
    let [panicked, broken, liveness] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(
        *panicked,
        "ERROR the thread `management` panicked: lost the plot, password=***, X-Tenant: ***"
    );
    assert_eq!(*broken, "WARN availability ACCEPTING → BROKEN: the thread `management` panicked");
    assert!(liveness.starts_with("WARN liveness UP → DOWN: availability: "), "{liveness}");
    // Only a restart helps, but the program may decide otherwise.
    management.availability().accepting();
    assert_eq!(fetch(address, "/z/health/liveness").0, 200);
}
