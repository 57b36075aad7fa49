/// In the extensions of a request: the path at which the application has mounted the endpoints, where the
/// request's own path is without it. The log tells paths as they are asked from outside.
#[derive(Clone, Debug)]
pub struct MountedAt(pub String);
