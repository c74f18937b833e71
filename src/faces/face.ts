import type { BuildEvent } from '../progress/event.ts';

/** One way to show a build: it is told everything, in order, and then that nothing will follow. */
export interface Face {
  take(event: BuildEvent): void;
  /** After the last event, also of a build that was cancelled or broke: prints what is left and stops the timer. */
  end(): void;
}

/** Puts text (with its line ends) where the face is seen. */
export type Write = (text: string) => void;

/** Time as a face sees it; between two events it goes on. */
export interface Clock {
  /** Milliseconds from any origin, never backwards. */
  now(): number;
  /** Calls again and again until the answered function is called; it must not keep the process alive. */
  every(milliseconds: number, call: () => void): () => void;
}
