//! Distance from a point, as a chord through the globe: the visitor's position costs four sines, the point none.

use crate::codec::wire_struct;
use splitlight_protocol::{Map, Value};

/// The mean radius of the Earth in kilometers (IUGG); a globe is within 0.6 % of the ellipsoid's distances.
pub(crate) const EARTH_KM: f64 = 6371.0088;

/// Everywhere within a distance of a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Near {
    x: f64,
    y: f64,
    z: f64,
    /// The square of the longest chord, for a globe of radius 1.
    chord: f64,
}

wire_struct!(Near { x, y, z, chord });

impl Near {
    /// The surroundings of a position in degrees.
    pub(crate) fn new(latitude: f64, longitude: f64, km: f64) -> Self {
        let (x, y, z) = place(latitude, longitude);
        // Half the way around is everywhere.
        let half = libm::sin((km / EARTH_KM / 2.0).min(core::f64::consts::FRAC_PI_2));
        Self { x, y, z, chord: 4.0 * half * half }
    }

    /// Whether `geo.latitude` and `geo.longitude` are within; a missing position is not.
    pub(crate) fn holds(&self, attributes: &Map) -> bool {
        let Some(Value::Object(geo)) = attributes.get("geo") else { return false };
        let (Some(Value::Number(latitude)), Some(Value::Number(longitude))) =
            (geo.get("latitude"), geo.get("longitude"))
        else {
            return false;
        };
        let (x, y, z) = place(*latitude, *longitude);
        let (x, y, z) = (x - self.x, y - self.y, z - self.z);
        x * x + y * y + z * z <= self.chord
    }
}

/// A position in degrees on a globe of radius 1.
fn place(latitude: f64, longitude: f64) -> (f64, f64, f64) {
    let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
    let ring = libm::cos(latitude);
    (ring * libm::cos(longitude), ring * libm::sin(longitude), libm::sin(latitude))
}
