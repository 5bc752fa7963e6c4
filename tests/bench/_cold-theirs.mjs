// A cold start with GrowthBook's SDK: from a payload's text to every decision.

import { GrowthBook } from "@growthbook/growthbook";

globalThis.coldStart = ({ payload, visitor, keys }) => {
  const growthbook = new GrowthBook({ attributes: visitor });
  growthbook.initSync({ payload: { features: JSON.parse(payload) } });
  return keys.map((key) => growthbook.evalFeature(key).value);
};
