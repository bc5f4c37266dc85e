"use strict";
// Where a map looks: the way home, and the view in the address, so that a link shows a place.

function addZoom(map, words, home, position = "bottomleft") {
  const zoom = L.control.zoom({ position, zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg"), house = document.createElementNS(picture.namespaceURI, "path");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  house.setAttribute("d", "M8 2L15 8.4H12.8V14H9.6V10H6.4V14H3.2V8.4H1Z");
  picture.append(house);
  const button = document.createElement("a");
  for (const [name, value] of Object.entries({ href: "#", role: "button", title: words.home, "aria-label": words.home })) button.setAttribute(name, value);
  button.className = "way-home";
  button.append(picture);
  L.DomEvent.disableClickPropagation(button);
  button.addEventListener("click", event => { event.preventDefault(); home(); });
  zoom.getContainer().append(button);
  map.getContainer().addEventListener("keydown", event => {
    if (event.key === "Home" && !(event.target instanceof HTMLInputElement)) { event.preventDefault(); home(); }
  });
}

function viewOf(hash) {
  const found = /^#map=(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/.exec(hash);
  return found && { zoom: Number(found[1]), at: [Number(found[2]), Number(found[3])] };
}

// Looks where the address says, and says there where one looks from the first move on.
function keepView(map) {
  const look = () => {
    const view = viewOf(location.hash);
    if (view) map.setView(view.at, view.zoom, { animate: false });
  };
  look();
  window.addEventListener("hashchange", look);
  if (window.parent !== window) return; // in a notebook the address is not ours
  map.on("moveend", () => {
    const { lat, lng } = map.getCenter(), zoom = Number(map.getZoom().toFixed(2));
    history.replaceState(null, "", `#map=${zoom}/${lat.toFixed(5)}/${lng.toFixed(5)}`);
  });
}
