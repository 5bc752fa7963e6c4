//! Distance from a point, as a chord through the globe: the visitor's position costs four sines, the point none.

use crate::codec::wire_struct;
use core::f64::consts::{FRAC_PI_2, PI, TAU};
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
        let half = sine((km / EARTH_KM / 2.0).min(FRAC_PI_2));
        // What rounding takes away on the other side of the globe.
        Self { x, y, z, chord: 4.0 * half * half * (1.0 + 1e-12) }
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
    let ring = cosine(latitude);
    (ring * cosine(longitude), ring * sine(longitude), sine(latitude))
}

/// The cosine of an angle.
fn cosine(angle: f64) -> f64 {
    sine(angle + FRAC_PI_2)
}

/// The sine of an angle of a few turns at most, to 1e-14 of the radius, which is far less than a millimeter on the
/// ground: a general one has to reduce angles of any size, and is ten times the code to download.
///
/// The Taylor series up to the twenty-first power, after a reduction to a quarter turn.
fn sine(angle: f64) -> f64 {
    let turned = angle - (angle / TAU + 0.5).floor() * TAU;
    let folded = if turned > FRAC_PI_2 {
        PI - turned
    } else if turned < -FRAC_PI_2 {
        -PI - turned
    } else {
        turned
    };
    let square = folded * folded;
    let (mut term, mut sum, mut factor) = (folded, folded, 2.0);
    while factor < 21.0 {
        term *= -square / (factor * (factor + 1.0));
        sum += term;
        factor += 2.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_right_all_around() {
        for tenth in -3600..3600 {
            let angle = (f64::from(tenth) / 10.0).to_radians();
            assert!((sine(angle) - libm::sin(angle)).abs() < 1e-14, "{angle}");
            assert!((cosine(angle) - libm::cos(angle)).abs() < 1e-14, "{angle}");
        }
    }
}
