// Gives Splitlight the simulated city before it decides, because without an edge only the page can know it.
(function () {
  "use strict";
  var countries = { Madrid: "ES", Barcelona: "ES", Paris: "FR" };
  var match = /(?:^|; )demo_city=([^;]*)/.exec(document.cookie);
  var city = match && match[1];
  if (city && Object.prototype.hasOwnProperty.call(countries, city)) {
    window.splitlight_config = { attributes: { geo: { city: city, country: countries[city] } } };
  }
})();
