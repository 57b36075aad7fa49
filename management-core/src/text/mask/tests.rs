use std::time::{Duration, Instant};

use super::*;

fn masked(text: &str) -> String {
    mask(text, &Names::default())
}

#[test]
fn user_information_of_urls() {
    for (given, kept) in [
        ("postgres://user:secret@db:5432/app", "postgres://***@db:5432/app"),
        ("postgres://user:s@cr@t@db/app", "postgres://***@db/app"),
        ("postgres://user:it's@db/app", "postgres://***@db/app"),
        ("amqp://user:s/cr?t@mq:5672/x", "amqp://***@mq:5672/x"),
        ("https://ghp_token@example.org", "https://***@example.org"),
        ("https://example.org/@me?x=a@b", "https://example.org/@me?x=a@b"),
        ("amqp://guest:12/34@mq", "amqp://***@mq"),
        ("postgres://us/er:1234@h/db", "postgres://***@h/db"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("https://auth:8443/token", "https://auth:8443/token"),
        (
            "sqlserver://h:1433;user=sa;password=hunter2;x=1",
            "sqlserver://h:1433;user=sa;password=***;x=1",
        ),
        ("https://h/cb#access_token=abc&a=1", "https://h/cb#access_token=***&a=1"),
        ("https://h/blob?sv=1&sig=xyz", "https://h/blob?sv=1&sig=***"),
        ("GET \"http://a:b@c/\" failed", "GET \"http://***@c/\" failed"),
        ("mongodb://u:p@a:1,mongodb://v:q@b:2", "mongodb://***@a:1,mongodb://***@b:2"),
        ("db://h/x?sslmode=on&Password=hunter2&a=1", "db://h/x?sslmode=on&Password=***&a=1"),
        ("no url: a@b", "no url: a@b"),
        ("://", "://"),
    ] {
        assert_eq!(masked(given), kept, "{given}");
        assert_eq!(masked(kept), kept, "masked twice: {given}");
    }
}

#[test]
fn secrets_are_masked_in_every_notation() {
    for (given, kept) in [
        // Connection strings.
        ("Server=db;User Id=sa;Password=hunter2;", "Server=db;User Id=sa;Password=***;"),
        ("Password=my hunter2;Server=db", "Password=***;Server=db"),
        ("Server=db;Pwd=my, hunter2 x;Encrypt=true", "Server=db;Pwd=***;Encrypt=true"),
        ("Server=db;Password=hunter2 x", "Server=db;Password=***"),
        ("Server=db;Password=\"a;b\"\"c\";x=1", "Server=db;Password=\"***\";x=1"),
        ("Driver={X};PWD={hun;ter2};x=1", "Driver={X};PWD=***;x=1"),
        ("AccountName=a;AccountKey=aGk/+==;x=y", "AccountName=a;AccountKey=***;x=y"),
        ("open Server=db;Password=hunter2: refused", "open Server=db;Password=***: refused"),
        // libpq.
        ("host=db password=hunter2 user=x", "host=db password=*** user=x"),
        ("host=db password='hun ter2' user=x", "host=db password='***' user=x"),
        (r"password='it\'s \\ hunter2' user=x", "password='***' user=x"),
        (r"password='hunter2\\' user=x", "password='***' user=x"),
        ("password = hunter2 host=db", "password = *** host=db"),
        ("password='it''s hunter2' x=1", "password='***' x=1"),
        ("(password=hunter2)", "(password=***)"),
        ("{password=hunter2, host=db}", "{password=***, host=db}"),
        ("password='hunter2", "password='***"),
        // JSON.
        (r#"{"password":"hunter2","user":"x"}"#, r#"{"password":"***","user":"x"}"#),
        (r#"{"password" : "hun\"ter2, x"}"#, r#"{"password" : "***"}"#),
        (r#"{"a":{"db_password":"hunter2\\"},"b":"c"}"#, r#"{"a":{"db_password":"***"},"b":"c"}"#),
        (r#"{"pin":1234,"a":1}"#, r#"{"pin":***,"a":1}"#),
        (r#"{"tokens":["hunter2","]"],"a":1}"#, r#"{"tokens":***,"a":1}"#),
        (r#"{"credentials":{"id":"hunter2","x":{}},"a":1}"#, r#"{"credentials":***,"a":1}"#),
        (r#""{\"password\":\"hun\\\"ter2\",\"a\":1}""#, r#""{\"password\":\"***\",\"a\":1}""#),
        (
            r#"{"m":"{\"k\":\"{\\\"token\\\":\\\"hunter2\\\"}\"}"}"#,
            r#"{"m":"{\"k\":\"{\\\"token\\\":\\\"***\\\"}\"}"}"#,
        ),
        (r#"{"m":"password=hunter2","a":1}"#, r#"{"m":"password=***","a":1}"#),
        ("{'password': 'hunter2', 'a': 1}", "{'password': '***', 'a': 1}"),
        ("{\"password\"=>\"hunter2\"}", "{\"password\"=>\"***\"}"),
        ("{\"password\":\"hunter2", "{\"password\":\"***"),
        // Rust.
        ("Db { password: \"hunter2\", host: \"h\" }", "Db { password: \"***\", host: \"h\" }"),
        ("Db { token: Some(\"hun)ter2\"), n: 1 }", "Db { token: ***, n: 1 }"),
        ("Db { auth: Auth { key: \"hunter2\" }, n: 1 }", "Db { auth: ***, n: 1 }"),
        ("Db { pin: 1234, n: 1 }", "Db { pin: ***, n: 1 }"),
        ("Db { secret: b\"hunter2\", n: 1 }", "Db { secret: b\"***\", n: 1 }"),
        ("Password(\"hunter2\")", "Password(\"***\")"),
        // YAML and the like.
        ("password: hunter2", "password: ***"),
        (
            "user: x\n  password: correct horse: staple\nhost: h",
            "user: x\n  password: ***\nhost: h",
        ),
        ("- token: hunter2\n- a: 1", "- token: ***\n- a: 1"),
        ("{host: h, password: hunter2}", "{host: h, password: ***}"),
        ("login failed with password: hunter2", "login failed with password: ***"),
        ("bad password: hunter2 was refused", "bad password: *** was refused"),
        ("bad password: correct horse (5)", "bad password: *** (5)"),
        ("sent token:hunter2, waiting", "sent token:***, waiting"),
        ("<user>x</user><password>hunter2</password>", "<user>x</user><password>***</password>"),
        ("a:\n  token: swordfish\n  b: c", "a:\n  token: ***\n  b: c"),
        ("password: |\n  hunter2\n  hunter2\nb: c", "password: ***\nb: c"),
        ("password: >-\n  hunter2", "password: ***"),
        ("jwt: hunter2 is bad", "jwt: *** is bad"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nx",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nx",
        ),
        ("-----BEGIN PRIVATE KEY-----\nhunter2", "-----BEGIN PRIVATE KEY-----***"),
        (
            "-----BEGIN A-----\nx\n-----END A-----\n-----BEGIN EC PRIVATE KEY-----hunter2",
            "-----BEGIN A-----\nx\n-----END A-----\n-----BEGIN EC PRIVATE KEY-----***",
        ),
        ("bindpw=hunter2 creds=hunter2", "bindpw=*** creds=***"),
        // Headers.
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ("authorization: Basic dTpw\r\nhost: h", "authorization: ***\r\nhost: h"),
        ("Authorization: Digest username=\"u\", response=\"hunter2\"", "Authorization: ***"),
        ("got Cookie: a=hunter2; b=hunter2", "got Cookie: ***"),
        ("Set-Cookie: sid=hunter2; Path=/", "Set-Cookie: ***"),
        ("X-Api-Key: hunter2", "X-Api-Key: ***"),
        (
            "curl -H 'Authorization: Bearer hunter2' http://h",
            "curl -H 'Authorization: ***' http://h",
        ),
        ("{\"authorization\": \"Bearer hunter2\"}", "{\"authorization\": \"***\"}"),
        ("authorization=Bearer hunter2", "authorization=***"),
        ("sent Bearer aGVsbG8td29ybGQ= twice", "sent Bearer *** twice"),
        ("sent Basic dXNlcjpodW50ZXIy to h", "sent Basic *** to h"),
        // Queries, variables, options.
        ("GET /x?token=hunter2&a=1 HTTP/1.1", "GET /x?token=***&a=1 HTTP/1.1"),
        ("/x?a=1&api_key=hunter2: 500", "/x?a=1&api_key=***: 500"),
        ("user[password]=hunter2&a=1", "user[password]=***&a=1"),
        ("DB_PASSWORD=hunter2 PGHOST=h", "DB_PASSWORD=*** PGHOST=h"),
        ("DB_PASSWORD=a,b&c)d;e'f x", "DB_PASSWORD=*** x"),
        ("AWS_SECRET_ACCESS_KEY=a/b+c", "AWS_SECRET_ACCESS_KEY=***"),
        ("run --password hunter2 --port 80", "run --password *** --port 80"),
        ("run --password 'hun ter2' x", "run --password '***' x"),
        ("run --token=hunter2 -v", "run --token=*** -v"),
        ("\"password=hunter2\" is set", "\"password=***\" is set"),
        ("password=hunter2.", "password=***"),
        // Tokens of issuers.
        ("key ghp_0123456789abcdefghij is bad", "key *** is bad"),
        ("API key provided: sk-proj-0123456789abc.", "API key provided: ***"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc!", "jwt ***!"),
        // Other scripts around it.
        ("größe=1 ключ password=пароль ü", "größe=1 ключ password=*** ü"),
    ] {
        assert_eq!(masked(given), kept, "{given}");
        assert_eq!(masked(kept), kept, "masked twice: {given}");
        let in_a_line = format!("cannot connect ({given}) to db");
        assert!(!masked(&in_a_line).contains("hunter2"), "{in_a_line}");
    }
}

#[test]
fn what_only_looks_like_a_secret_is_kept() {
    for given in [
        "the token expired",
        "password authentication failed for user \"x\"",
        "FATAL: password authentication failed for user \"postgres\"",
        "key not found: users",
        "missing key: users",
        "session: closed",
        "auth: connection refused",
        "invalid token: expired at 12:30:00",
        "cannot refresh token: 401 Unauthorized",
        "cannot refresh token: permission denied (os error 13)",
        "cannot read /run/secrets/db_password: No such file or directory (os error 2)",
        "/etc/ssl/private.key: expected a PEM file",
        "token: token was revoked",
        "cannot refresh token: rate limited",
        "cannot refresh token: HTTP 503",
        "auth: tcp connect error: Connection refused (os error 111)",
        "cannot open session: pool timed out while waiting for an open connection",
        "cannot load private key: PEM: no certificate",
        "invalid signature: UnknownIssuer",
        "cannot verify jwt: ExpiredSignature",
        "auth: received fatal alert: HandshakeFailure",
        "session: server returned 500",
        "auth: FATAL: role \"bob\" does not exist",
        "auth: DOWN",
        "auth-db: quota exceeded",
        "GET /session: 404",
        "POST /api/token: quota exceeded",
        "token endpoint https://idp/token: 500",
        "no -----END RSA PRIVATE KEY----- in tls.pem",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "tokens: 5 left",
        "max_tokens=4096 tokens_used=512 secrets=3",
        "session: 12 active",
        "secretRef: db",
        "syntax error near token: SELECT",
        "key: database error",
        "Key (id)=(5) already exists.",
        "duplicate key: 5",
        "unexpected token: }",
        "primary key = 5, partition_key=7",
        "cannot connect to auth:8080",
        "token-service:8080: connection refused",
        "auth::Error: session::closed",
        "src/auth.rs:12:5: assertion failed",
        "secretary: Anna, author=Bob, keyboard: us, tokenizer=bpe, monkey=1",
        "compass: north, passenger=12, bypass=true",
        "token_type=bearer expires_in=300 session_timeout=30s",
        "password=; token=null, secret: none, api_key=\"\"",
        "password != token",
        "the bearer token is missing",
        "Bearer authentication is required",
        "WWW-Authenticate: Bearer error=\"invalid_token\"",
        "Basic auth failed",
        "the argument '--password <PASSWORD>' cannot be used with '--token'",
        "option --password is required",
        "replica 2 lags: 5s, 3 of 4 keys moved",
        "12:30:00 a=1 b:2 c::d",
        "status=500 user=alice id=7",
        "http://h/token?page=1",
        "größe=1 ключ: значение",
        "=:=: ::= --",
        "",
    ] {
        assert_eq!(masked(given), given);
    }
}

#[test]
fn names_that_a_program_has_added() {
    let names = Names::adding(["x-tenant-key", "Tenant Id", "iban"]);
    for (given, kept) in [
        ("refused: X-Tenant-Key: t-1", "refused: X-Tenant-Key: ***"),
        ("x_tenant_key=t-1, a=1", "x_tenant_key=***, a=1"),
        ("{\"xTenantKey\":\"t-1\",\"a\":1}", "{\"xTenantKey\":\"***\",\"a\":1}"),
        ("iban: closed", "iban: ***"),
        ("iban:12", "iban:***"),
        ("Server=db;Tenant Id=5;x=1", "Server=db;Tenant Id=***;x=1"),
        ("http://h/?iban=DE1&a=1", "http://h/?iban=***&a=1"),
        ("run --x-tenant-key t-1 -v", "run --x-tenant-key *** -v"),
        ("the tenant id is 5, x-tenant: 1", "the tenant id is 5, x-tenant: 1"),
        ("password=hunter2", "password=***"),
    ] {
        assert_eq!(mask(given, &names), kept, "{given}");
        if !given.contains("hunter2") {
            assert_eq!(masked(given), given, "no name of ours");
        }
    }
}

/// Ten times the text takes about ten times as long, and not a hundred times: 30 times leaves room for
/// a busy machine, and the best of three is taken.
#[test]
fn the_time_grows_with_the_length() {
    for part in [
        "password=",
        "password: ",
        "password:a ",
        "key:1",
        "token=a;",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "x=1;Password=a ",
        "\"token\":\"",
        "\\",
        "\"",
        "'cookie: a' ",
        "a ",
        " ",
        "=",
        ":",
        "://",
        "http://u:p@h ",
        "(",
        "[",
        "key=[",
        "<key>",
        "Bearer a",
        ".sk-a",
        "eyJ",
        "--password ",
        ",a=",
        ";a b c",
        "secret",
        "é",
        "\n-",
        "{\"auth\":{",
    ] {
        let time = |count: usize| {
            let text = part.repeat(count);
            let once = || {
                let begun = Instant::now();
                assert!(masked(&text).len() <= 2 * text.len() + 3, "{part}");
                begun.elapsed()
            };
            (0..3).map(|_| once()).min().unwrap_or_default()
        };
        let (short, long) = (time(200), time(2000));
        let limit = 30 * short + Duration::from_millis(50);
        assert!(long < limit, "{part:?}: {short:?}, and ten times as much {long:?}");
    }
}
