// Jobs: who holds accelerators of a satellite at a time, and how a job is described.
import { E } from "./episode.js";
import { hhmm, words } from "./format.js";

const LATER = 2 ** 31 - 1; // a time that never comes
const runsAt = (run, j, t) => run.segment.begin_s[j] <= t && t < run.segment.begin_s[j] + run.segment.length_s[j];

/** Segments that hold accelerators of a satellite at a time. */
export const holding = (run, s, t) => run.bySatellite[s].filter(j => runsAt(run, j, t));

/** Other satellites on which jobs of a satellite run too. */
export function partners(run, s, t) {
  const gangs = new Set(
    holding(run, s, t)
      .map(j => run.segment.job[j])
      .filter(job => run.job.num_satellites[job] > 1),
  );
  if (!gangs.size) return [];
  const found = new Set();
  for (let j = 0; j < run.segment.job.length; j++) {
    if (run.segment.satellite[j] !== s && gangs.has(run.segment.job[j]) && runsAt(run, j, t))
      found.add(run.segment.satellite[j]);
  }
  return [...found];
}

/** Class and width of a job. */
export function shortTitle(run, job) {
  const { name } = E.classes[run.job.class_id[job]],
    n = run.job.num_satellites[job];
  return `${name} \u00d7${run.job.total_accelerators[job]}${n > 1 ? ` on ${n} satellites` : ""}`;
}

/** What is known of a job, in one line. */
export function longTitle(run, job) {
  const kind = E.classes[run.job.class_id[job]];
  if (kind.service) return `replica of ${kind.name}, ${run.job.total_accelerators[job]} accelerators`;
  const due = run.job.deadline_s[job],
    work = run.job.work_s[job],
    arrival = run.job.arrival_s[job];
  const parts = [shortTitle(run, job)];
  if (work < LATER) parts.push(`${(work / 3600).toFixed(1)} accelerator-h`);
  parts.push(arrival < 0 ? "came before the start" : `came +${hhmm(arrival)}`);
  if (due > 0 && due < LATER) parts.push(`due +${hhmm(due)}`);
  return parts.join(", ");
}

/** How a segment ended. */
export function ending(run, j) {
  const cause = run.segment.cause[j],
    end = run.segment.begin_s[j] + run.segment.length_s[j];
  return cause < 0 ? "holds them to the end" : `${words(E.events[cause])} at +${hhmm(end)}`;
}
