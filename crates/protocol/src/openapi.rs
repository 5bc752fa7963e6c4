//! The API as an OpenAPI 3.1 document, made from the table of routes that the Worker answers by.

mod routes;
mod schemas;
mod telling;

use serde_json::{Map, Value, json};

/// What a path takes and gives.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// In capitals; a `GET` also answers `HEAD`.
    pub method: &'static str,
    /// With parameters such as `{key}`.
    pub path: &'static str,
    /// Unique, for generated clients.
    pub id: &'static str,
    /// In a sentence.
    pub summary: &'static str,
    /// The scope a key needs; `None` when everybody may. A key with the scope admin may do everything.
    pub scope: Option<&'static str>,
    /// The query's parameters, all optional.
    pub query: &'static [Parameter],
    /// What it takes: a content type and the name of a schema.
    pub body: &'static [(&'static str, &'static str)],
    /// The status of success, the content type and the name of a schema; 204 has neither.
    pub answers: &'static [(u16, &'static str, &'static str)],
    /// The statuses of its problems, beside those that every path has.
    pub problems: &'static [u16],
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it takes.
    pub takes: Takes,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// A whole number, from, to.
    Number(i64, i64),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Any text.
    Text,
}

/// Where a page of a list begins.
const CURSOR: Parameter = Parameter {
    name: "cursor",
    about: "The `nextCursor` of the page before.",
    takes: Takes::Number(0, 9_007_199_254_740_991),
};

/// How many entries of a list a page has at most.
const fn limit(most: i64) -> Parameter {
    Parameter { name: "limit", about: "Entries of a page.", takes: Takes::Number(1, most) }
}

/// The routes below a path as it was asked for, whatever their methods; none when there is no such path.
///
/// ```
/// use splitlight_protocol::openapi::routes_of;
/// let methods: Vec<&str> = routes_of("/v1/config").map(|route| route.method).collect();
/// assert_eq!(methods, ["GET", "PUT"]);
/// assert_eq!(routes_of("/v1/experiments/hero/results").next().map(|route| route.id), Some("experimentResults"));
/// assert!(routes_of("/v1/nothing").next().is_none());
/// ```
pub fn routes_of(path: &str) -> impl Iterator<Item = &'static Route> {
    // A word goes before a parameter: /v1/config/versions is no version of that name.
    let fits = move |route: &&Route| {
        let mut parts = path.split('/');
        let same = route.path.split('/').all(|wanted| {
            parts.next().is_some_and(|part| wanted == part || wanted.starts_with('{') && !part.is_empty())
        });
        same && parts.next().is_none()
    };
    all().filter(fits)
}

/// Every route of the API.
fn all() -> impl Iterator<Item = &'static Route> {
    routes::ROUTES.iter().chain(telling::ROUTES)
}

/// The document; `version` is that of the release.
///
/// ```
/// let document = splitlight_protocol::openapi::document("0.1.0");
/// assert_eq!(document["openapi"], "3.1.0");
/// assert_eq!(document["paths"]["/v1/kpis"]["get"]["operationId"], "kpis");
/// ```
pub fn document(version: &str) -> Value {
    let mut paths = Map::new();
    let schemas = schemas::all();
    for route in all() {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.to_ascii_lowercase()] = operation(route, &schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Splitlight",
            "version": version,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": "Results, config and administration of a Splitlight project. Errors are problem documents \
                (RFC 9457); `detail` ends with what to do.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "A key of the project, made with POST /v1/keys." } },
        },
    })
}

fn operation(route: &Route, schemas: &Map<String, Value>) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
    });
    let query = route.query.iter().map(|parameter| {
        let schema = match parameter.takes {
            Takes::Number(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
            Takes::Words(words) => json!({ "type": "string", "enum": words }),
            Takes::Text => json!({ "type": "string" }),
        };
        json!({ "name": parameter.name, "in": "query", "description": parameter.about, "schema": schema })
    });
    let parameters: Vec<Value> = in_path.chain(query).collect();
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses(route),
    });
    if let Some(scope) = route.scope {
        operation["security"] = json!([{ "key": [] }]);
        operation["description"] = json!(format!("Takes a key with the scope `{scope}` or `admin`."));
    }
    if !route.body.is_empty() {
        // Where nothing has to be said, nothing has to be sent.
        let optional = |schema: &Value| schema["type"] == "object" && schema["required"] == json!([]);
        let required = !route.body.iter().any(|(_, name)| schemas.get(*name).is_some_and(optional));
        operation["requestBody"] =
            json!({ "required": required, "content": contents(route.body.iter().copied()) });
    }
    operation
}

fn contents(written: impl Iterator<Item = (&'static str, &'static str)>) -> Value {
    let content = written.map(|(kind, name)| {
        let schema = if name.is_empty() { json!({}) } else { reference(name) };
        (kind.to_owned(), json!({ "schema": schema }))
    });
    Value::Object(content.collect())
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, kind, _) in route.answers {
        let mut response = json!({ "description": "As asked for." });
        if !kind.is_empty() {
            let same = route.answers.iter().filter(|(other, ..)| other == status);
            response["content"] = contents(same.map(|(_, kind, name)| (*kind, *name)));
        }
        responses.insert(status.to_string(), response);
    }
    if route.method == "GET" {
        responses.insert(
            "304".to_owned(),
            json!({ "description": "Nothing changed since the `etag` that was sent." }),
        );
    }
    let everywhere: &[u16] =
        if route.scope.is_some() { &[400, 401, 403, 405, 429, 503] } else { &[400, 405, 429, 503] };
    for status in everywhere.iter().chain(route.problems) {
        let problem = json!({ "application/problem+json": { "schema": reference("Problem") } });
        let response = json!({ "description": meaning(*status), "content": problem });
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request is not as described here.",
        401 => "There is no key, or it is none of this project.",
        403 => "The key has another scope.",
        404 => "There is no such thing.",
        405 => "The path does not have this method; `allow` says which it has.",
        409 => "That is not possible as things are.",
        412 => "Something else was published in the meantime.",
        413 => "The body is too large.",
        415 => "The body is of another type.",
        422 => "The config has errors; `issues` lists them.",
        429 => "Too much was sent; `retry-after` says how long to wait.",
        _ => "The storage cannot be reached or is full; nothing was changed.",
    }
}
