import { scaleLinear, scaleUtc } from 'd3-scale';

/** The axis of a chart's values begins at 0. */
export interface Axis {
  readonly end: number;
  readonly ticks: readonly number[];
}

const TICKS = 3;

/** Makes the axis of counts up to `highest`: its ticks are whole numbers. */
export function countAxis(highest: number): Axis {
  const scale = scaleLinear()
    .domain([0, Math.max(highest, TICKS + 1)])
    .nice(TICKS);
  return { end: scale.domain()[1] ?? 0, ticks: scale.ticks(TICKS).filter(Number.isInteger) };
}

/** Makes the axis of durations up to `highest` ms: its ticks are round in the unit in which they are read. */
export function durationAxis(highest: number): Axis {
  // A duration is read like the time since midnight: 15 s, 5 min, 3 h.
  const scale = scaleUtc()
    .domain([0, Math.max(highest, 1)])
    .nice(TICKS);
  return { end: scale.domain()[1]?.getTime() ?? 0, ticks: scale.ticks(TICKS).map(Number) };
}

/** Finds round moments between two. */
export function timeAxis(from: number, to: number, count: number): readonly number[] {
  return scaleUtc().domain([from, to]).ticks(Math.max(2, count)).map(Number);
}
