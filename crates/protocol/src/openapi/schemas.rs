//! The schemas of what the API takes and gives.

use crate::config::{Config, Plain};
use crate::results::{
    CohortTable, ExperimentList, ExperimentResults, ExperimentSummary, FunnelResults, KpiList, Report,
    Timeseries,
};
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value};

/// Those of what has no type of its own.
const BY_HAND: &str = include_str!("schemas.json");

/// All of them, by name.
pub(super) fn all() -> Map<String, Value> {
    let settings = |contract| {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.contract = contract;
        settings.with_transform(Plain).into_generator()
    };
    let mut taken = settings(Contract::Deserialize);
    taken.subschema_for::<Config>();
    let mut given = settings(Contract::Serialize);
    given.subschema_for::<ExperimentList>();
    given.subschema_for::<ExperimentSummary>();
    given.subschema_for::<ExperimentResults>();
    given.subschema_for::<Timeseries>();
    given.subschema_for::<FunnelResults>();
    given.subschema_for::<KpiList>();
    given.subschema_for::<CohortTable>();
    given.subschema_for::<Report>();
    let mut schemas = Map::new();
    for definitions in [taken.take_definitions(true), given.take_definitions(true)] {
        schemas.extend(definitions);
    }
    schemas.extend(serde_json::from_str::<Map<String, Value>>(BY_HAND).unwrap_or_default());
    schemas
}
