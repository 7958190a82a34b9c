// The search of generated pages: what SearchIndex.find in search.py does, letter by letter; the rules are told there.
// `index` is SearchIndex.as_json(). A plain script, not a module: pages open from a folder, without a server.
"use strict";

function searchPlain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function searchWords(index, text) {
  const plain = searchPlain(text).replace(/['’]s(?![\p{L}\p{N}])/gu, "");
  return (plain.match(/[\p{L}\p{N}]+/gu) || []).filter((word) => !index.empty.includes(word));
}

function searchKeyed(index, word) {
  if ([...word].length > 4 && word.endsWith("ies")) word = word.slice(0, -3) + "y";
  else if ([...word].length > 3 && word.endsWith("s") && !/(ss|us|is)$/.test(word)) word = word.slice(0, -1);
  for (const [pattern, instead] of index.spellings) word = word.replace(new RegExp(pattern, "gu"), instead);
  return word;
}

function searchTrigrams(word) {
  const letters = [" ", " ", ...word, " "];
  return new Set(letters.slice(2).map((_, place) => letters.slice(place, place + 3).join("")));
}

function searchSimilarity(one, other) {
  const common = [...one].filter((three) => other.has(three)).length;
  return common / (one.size + other.size - common);
}

function searchAlike(index, word) {
  const [alike, nearly, nearest] = index.alike;
  const asked = searchTrigrams(word);
  const shares = Object.keys(index.places).map((known) => [known, searchSimilarity(asked, searchTrigrams(known))]);
  const least = Math.max(alike, nearly * shares.reduce((best, [, share]) => Math.max(best, share), 0));
  const near = shares.filter(([, share]) => share >= least);
  near.sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  return near.slice(0, nearest).map(([known, share]) => [known, share / 2]);
}

function searchHits(index, word) {
  const letters = [...word].length;
  let closeness = Object.keys(index.places)
    .filter((known) => known.startsWith(word) && (letters > 1 || known === word))
    .map((known) => [known, known === word ? 1 : letters / [...known].length / 2]);
  let alike = null;
  if (!closeness.length) {
    closeness = searchAlike(index, word);
    alike = closeness.map(([known]) => index.spoken[known]);
  }
  const hits = new Map();
  for (const [known, share] of closeness)
    for (const [number, weight] of Object.entries(index.places[known]))
      hits.set(Number(number), Math.max(hits.get(Number(number)) || 0, weight * share));
  return [hits, alike];
}

// Return {variables: names, the best first; complete: how many hold every word; read_as: unknown word → words like it}.
function searchVariables(index, text) {
  const asked = new Map(searchWords(index, text).map((word) => [searchKeyed(index, word), word]));
  if (!text.trim()) return { variables: index.variables, complete: index.variables.length, read_as: {} };
  const named = searchWords(index, text).map((word) => searchKeyed(index, word)).join(" ");
  const readAs = {};
  const sums = new Map();
  const held = new Map();
  for (const [word, typed] of asked) {
    const [hits, alike] = searchHits(index, word);
    if (alike) readAs[typed] = alike;
    const rarity = 32 - Math.clz32(Math.floor(index.variables.length / Math.max(hits.size, 1)));
    for (const [number, hit] of hits) {
      sums.set(number, (sums.get(number) || 0) + rarity * hit);
      held.set(number, (held.get(number) || 0) + 1);
    }
  }
  const places = [...sums.keys()].map((number) => {
    const title = index.titles[number];
    const fit = title.filter((word) => asked.has(word)).length / Math.max(title.length, 1);
    const score = sums.get(number) * (1 + fit) * (index.free_text[number] ? 0.5 : 1);
    const other = index.names[number].join(" ") !== named;
    return [Number(other), Number(held.get(number) < asked.size), -score, title.length, number];
  });
  places.sort((one, other) => one.map((part, place) => part - other[place]).find((part) => part !== 0) || 0);
  const complete = places.filter(([, short]) => !short).length;
  return { variables: places.map((place) => index.variables[place[4]]), complete, read_as: readAs };
}

// Return the names of the studies that a text names, or that hold all of its words; what find_studies in
// search_studies.py does.
function searchStudies(index, text) {
  if (!text.trim()) return index.studies;
  const [name, beginning] = index.study;
  const asked = new Set(searchWords(index, text).map((word) => searchKeyed(index, word)));
  const sums = new Map();
  const held = new Map();
  const named = new Set();
  for (const word of asked) {
    const letters = [...word].length;
    const hits = new Map();
    for (const known of Object.keys(index.of_studies)) {
      if (known !== word && !(letters >= beginning && known.startsWith(word))) continue;
      const share = known === word ? 1 : letters / [...known].length / 2;
      for (const [number, weight] of Object.entries(index.of_studies[known])) {
        hits.set(Number(number), Math.max(hits.get(Number(number)) || 0, weight * share));
        if (weight === name) named.add(Number(number));
      }
    }
    for (const [number, hit] of hits) {
      sums.set(number, (sums.get(number) || 0) + hit);
      held.set(number, (held.get(number) || 0) + 1);
    }
  }
  const places = [...sums.keys()]
    .filter((number) => named.has(number) || held.get(number) === asked.size)
    .map((number) => [Number(held.get(number) < asked.size), -sums.get(number), number]);
  places.sort((one, other) => one.map((part, place) => part - other[place]).find((part) => part !== 0) || 0);
  return places.map((place) => index.studies[place[2]]);
}
