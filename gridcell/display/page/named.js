"use strict";
// A map beside a list or a table, whose controls speak the language of the page.

function node(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children); // text stays text
  return made;
}

function namedMap(words) {
  const map = L.map("map", { preferCanvas: true, attributionControl: false, zoomControl: false, zoomSnap: 0.25, maxZoom: 21 });
  return map;
}

function addOverlays(map, words, overlays) {
  const box = L.control.layers(null, overlays, { collapsed: map.getSize().x < 700 }).addTo(map).getContainer();
  box.querySelector(".leaflet-control-layers-toggle").title = words.layers;
}
