//! The script tag: decides, changes the page, records exposures and sends events.
