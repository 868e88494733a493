// Arrays of the page: base64, zlib, byte planes and differences; `packing.py` writes them.
const TYPES = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
};

async function inflate(text) {
  const raw = atob(text.trim());
  const bytes = Uint8Array.from(raw, character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return the numbers of an array as 32-bit words, from planes of bytes. */
function words(bytes, at, size, width) {
  const out = new Uint32Array(size);
  for (let plane = 0; plane < width; plane++) {
    const from = at + plane * size,
      shift = 8 * plane;
    for (let i = 0; i < size; i++) out[i] |= bytes[from + i] << shift;
  }
  return out;
}

/** Sum the differences of series of `length` numbers each; words wrap around as the stored type does. */
function accumulate(out, length) {
  for (let from = 0; from < out.length; from += length) {
    for (let i = from + 1; i < from + length; i++) out[i] += out[i - 1];
  }
}

/** Move the last axis, time, to the front. */
function timeFirst(values, length) {
  const row = values.length / length,
    out = new values.constructor(values.length);
  for (let r = 0; r < row; r++) for (let k = 0; k < length; k++) out[k * row + r] = values[r * length + k];
  return out;
}

function decode(bytes, [type, shape, at, scale, offset, series]) {
  const size = shape.reduce((a, b) => a * b, 1),
    Type = TYPES[type];
  const raw = words(bytes, at, size, Type.BYTES_PER_ELEMENT),
    length = shape[0];
  if (series && length) accumulate(raw, length);
  let values = type === "float32" ? new Float32Array(raw.buffer) : new Type(raw);
  if (series && shape.length > 1 && length) values = timeFirst(values, length);
  if (scale !== 1 || offset !== 0) values = Float32Array.from(values, value => value * scale + offset);
  return { values, shape, row: size / (length || 1) };
}

/** Return all arrays by name, as `{ values, shape, row }`; `row` is the number of values of one sample. */
export async function decodeArrays(entries, text) {
  const bytes = await inflate(text);
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, decode(bytes, entry)]));
}
