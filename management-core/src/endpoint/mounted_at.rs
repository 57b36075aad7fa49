/// An extension of requests: the path under which the application has mounted the endpoints, if the path of
/// the request is without it. Log lines then contain the path that the client asked for.
#[derive(Clone, Debug)]
pub struct MountedAt(pub String);
