//! The random pairs, natively: a seed determines them, and a thousand of them meet every reason.

use splitlight_engine::Reason;
use splitlight_tests::pairs::{PAIRS_PER_DIGEST, thousand};

#[test]
fn a_thousand_pairs_meet_every_reason() {
    let found = thousand(1, 0);
    for (reason, count) in Reason::ALL.iter().zip(&found.reasons) {
        assert!(*count > 0, "no pair was decided for {reason:?}");
    }
    assert!(
        found.reasons.iter().sum::<u64>() > PAIRS_PER_DIGEST,
        "most pairs decide about more than one thing"
    );
    assert_ne!(found.digest, thousand(2, 0).digest, "another seed draws other pairs");
}
