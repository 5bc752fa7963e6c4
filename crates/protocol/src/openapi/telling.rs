//! The routes of what Splitlight tells by itself: live results, alerts and webhooks.

use super::routes::JSON;
use super::{CURSOR, Parameter, Route, Takes, limit};

const ALERTS: &[Parameter] = &[Parameter {
    name: "state",
    about: "Only those that last, or those that are over.",
    takes: Takes::Words(&["firing", "resolved"]),
}];

const DELIVERIES: &[Parameter] = &[
    limit(500),
    CURSOR,
    Parameter {
        name: "state",
        about: "Only those that wait, arrived, or were given up.",
        takes: Takes::Words(&["pending", "delivered", "dead"]),
    },
    Parameter { name: "webhook", about: "Only those to this webhook.", takes: Takes::Text },
];

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/v1/experiments/{key}/results/stream",
        id: "experimentStream",
        summary: "The results whenever they change, as server-sent events.",
        scope: Some("read"),
        query: &[],
        body: &[],
        answers: &[(200, "text/event-stream", "Text")],
        problems: &[404],
    },
    Route {
        method: "GET",
        path: "/v1/alerts",
        id: "alerts",
        summary: "What fired, whether it lasts, and what to do about it.",
        scope: Some("read"),
        query: ALERTS,
        body: &[],
        answers: &[(200, JSON, "Alerts")],
        problems: &[],
    },
    Route {
        method: "GET",
        path: "/v1/webhooks",
        id: "webhooks",
        summary: "Who is told of what happens.",
        scope: Some("admin"),
        query: &[],
        body: &[],
        answers: &[(200, JSON, "Webhooks")],
        problems: &[],
    },
    Route {
        method: "GET",
        path: "/v1/webhooks/deliveries",
        id: "deliveries",
        summary: "What was told and what could not be, newest first.",
        scope: Some("admin"),
        query: DELIVERIES,
        body: &[],
        answers: &[(200, JSON, "Deliveries")],
        problems: &[],
    },
    Route {
        method: "POST",
        path: "/v1/webhooks/deliveries/{id}/redeliver",
        id: "redeliver",
        summary: "Makes a delivery again, under the same id.",
        scope: Some("admin"),
        query: &[],
        body: &[],
        answers: &[(202, JSON, "Queued")],
        problems: &[404, 409],
    },
    Route {
        method: "POST",
        path: "/v1/webhooks/{key}/secret",
        id: "rotateSecret",
        summary: "Makes a new secret and shows it this once.",
        scope: Some("admin"),
        query: &[],
        body: &[(JSON, "Rotation")],
        answers: &[(201, JSON, "Secret")],
        problems: &[404, 413],
    },
    Route {
        method: "POST",
        path: "/v1/webhooks/{key}/test",
        id: "tryWebhook",
        summary: "Sends a message that says nothing.",
        scope: Some("admin"),
        query: &[],
        body: &[],
        answers: &[(202, JSON, "Queued")],
        problems: &[404],
    },
];
