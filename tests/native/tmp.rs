//! tmp
#[test]
fn extra() {
    let t = std::fs::read_to_string("/work/shared/data/growthbook/bucketing-and-urls.json").unwrap();
    for (s, r) in splitlight_tests::growthbook::run_extra(&t).unwrap() {
        println!("{s} {}/{}", r.cases - r.failures.len(), r.cases);
        for f in r.failures { println!("   {f}"); }
    }
}
