// Unpacks the data and fills the page.

/** The value that stands packed in the element of this id. */
async function unpacked(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

async function start() {
  const data = await unpacked("data");
  const place = (id) => document.getElementById(id);
  document.querySelector("main").hidden = false;
  document.querySelector("footer").hidden = false;
  summarySection(place("summary"), data);
  solvedSection(place("solved"), data);
  proofCostSection(place("proof-time"), data);
  timeSection(place("time"), data);
  endingsSection(place("endings"), data);
  valuesSection(place("values"), data);
  let openTree = () => {};
  theoremsSection(place("theorems"), data, (name) => openTree(name));
  openTree = treesSection(place("trees"), data);
  place("made").textContent =
    `Made by proofsearch ${data.version}. Intervals are 95 %: Wilson’s for what one run solved, else by a bootstrap over theorems ` +
    `(${count(data.evaluation.resamples)} draws, seed ${data.evaluation.seed}). The figures are those of proofsearch evaluate.`;
  document.documentElement.dataset.ready = "";
}

function alarm(words) {
  const place = document.getElementById("alarm");
  place.hidden = false;
  place.textContent = words;
}

if (typeof DecompressionStream === "undefined")
  alarm("This browser can’t unpack the report; any browser of 2023 or later can.");
else
  start().catch((error) => {
    alarm(`The report could not be shown: ${error.message}`);
    throw error;
  });
