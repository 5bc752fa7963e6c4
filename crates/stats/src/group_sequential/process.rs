//! The running sum of an experiment that was not stopped yet: its distribution, look after look.

use core::f64::consts::PI;

use super::BOUND_MAX;
use crate::special::quadrature::nodes;
use crate::special::{normal_quantile, normal_sf};

/// A panel is at most this many standard deviations of a step long, for which its 16 points are exact to 1e-10.
const PANEL_DEVIATIONS: f64 = 5.0;

/// Steps further than this many standard deviations do not happen.
const STEP_DEVIATIONS: f64 = 8.0;

/// Where the region ends in which the sum is looked for, in its standard deviations: upward, where a far bound might
/// otherwise be missed, and downward, where a one-sided plan has no bound.
const UPWARD_DEVIATIONS: f64 = 15.0;
const DOWNWARD_DEVIATIONS: f64 = 8.5;

/// A normal variable is never larger: the chance of it is below the smallest `f64`.
const FAR: f64 = 39.0;

/// Steps of Newton's method for a bound.
const STEPS_MAX: u32 = 60;

/// Points and masses of the sum `B(t) = Z(t) sqrt(t)`, a Brownian motion with a drift, inside all bounds so far.
pub(super) struct Process {
    two_sided: bool,
    /// Without a drift both sides are the same, so that only the upper half is kept.
    mirrored: bool,
    drift: f64,
    information: f64,
    /// In rising order of the points.
    points: Vec<(f64, f64)>,
}

impl Process {
    pub(super) fn new(two_sided: bool, drift: f64) -> Self {
        let mirrored = two_sided && drift == 0.0;
        Self { two_sided, mirrored, drift, information: 0.0, points: vec![(0.0, 1.0)] }
    }

    /// The chance of not having stopped before and to be beyond `bound` at `information`, and how fast it falls with it.
    pub(super) fn exit(&self, information: f64, bound: f64) -> (f64, f64) {
        let step = information - self.information;
        let (deviation, end) = (libm::sqrt(step), bound * libm::sqrt(information));
        let (mut chance, mut slope) = (0.0, 0.0);
        for &(point, mass) in self.points.iter().rev() {
            let center = point + self.drift * step;
            let up = (end - center) / deviation;
            // From here on down nothing reaches the upper bound, and the lower one is its mirror image.
            if self.mirrored && up > FAR {
                break;
            }
            chance += mass * normal_sf(up);
            slope += mass * libm::exp(-0.5 * up * up);
            if self.two_sided && !self.mirrored {
                let down = (end + center) / deviation;
                chance += mass * normal_sf(down);
                slope += mass * libm::exp(-0.5 * down * down);
            }
        }
        let sides = if self.mirrored { 2.0 } else { 1.0 };
        (sides * chance, sides * slope * libm::sqrt(information / step / (2.0 * PI)))
    }

    /// The bound at `information` that is crossed with the given chance.
    ///
    /// Newton's method on the logarithm of the chance, which is concave, within a bracket that it may not leave.
    pub(super) fn bound(&self, information: f64, chance: f64) -> f64 {
        if chance < 1e-299 {
            return BOUND_MAX;
        }
        let sides = if self.two_sided { 2.0 } else { 1.0 };
        let (mut low, mut high) = (if self.two_sided { 0.0 } else { -BOUND_MAX }, BOUND_MAX);
        let mut bound = (-normal_quantile((chance / sides).min(0.999))).clamp(low, high);
        for _ in 0..STEPS_MAX {
            let (found, slope) = self.exit(information, bound);
            if found > chance {
                low = bound;
            } else {
                high = bound;
            }
            let step = libm::log(found / chance) * found / slope;
            // The error after a step of Newton's method is about the square of the step.
            if step.abs() <= 1e-7 {
                return bound + step;
            }
            let next = bound + step;
            bound = if low < next && next < high { next } else { 0.5 * (low + high) };
        }
        bound
    }

    /// Goes on to `information` without having crossed `bound`; the grid must also suit the step to `next`.
    pub(super) fn advance(&mut self, information: f64, bound: f64, next: Option<f64>) {
        let Some(next) = next else { return };
        let step = information - self.information;
        let deviation = libm::sqrt(step);
        let root = libm::sqrt(information);
        let center = self.drift * information;
        let high = (bound * root).min(center.max(0.0) + UPWARD_DEVIATIONS * root);
        let low = if self.two_sided {
            (-bound * root).max(center.min(0.0) - UPWARD_DEVIATIONS * root)
        } else {
            (center.min(0.0) - DOWNWARD_DEVIATIONS * root).min(high - root)
        };
        let finest = deviation.min(libm::sqrt(next - information));
        let mut panels = 1;
        while f64::from(panels) * PANEL_DEVIATIONS * finest < high - low {
            panels += 1;
        }
        let mut grid: Vec<(f64, f64)> = nodes(low, high, panels).collect();
        grid.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = if self.mirrored { grid.len() / 2 } else { 0 };
        for index in half..grid.len() {
            let density = self.density(grid[index].0, step, deviation);
            grid[index].1 *= density;
            if self.mirrored {
                let mirror = grid.len() - 1 - index;
                grid[mirror].1 *= density;
            }
        }
        self.points = grid;
        self.information = information;
    }

    /// The density of the sum at a point, one step later.
    fn density(&self, point: f64, step: f64, deviation: f64) -> f64 {
        let from = point - self.drift * step;
        let reach = STEP_DEVIATIONS * deviation;
        let start = self.points.partition_point(|(x, _)| *x < from - reach);
        let near = self.points[start..].iter().take_while(|(x, _)| *x <= from + reach);
        let sum: f64 = near
            .map(|(x, mass)| {
                let z = (from - x) / deviation;
                mass * libm::exp(-0.5 * z * z)
            })
            .sum();
        sum / (deviation * libm::sqrt(2.0 * PI))
    }
}
