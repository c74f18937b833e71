import { inspect } from 'node:util';

/** Text that must not be shown: whatever prints it, prints "[secret]". */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself, for the one place that sends or stores it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** How a registry is told who asks. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  /** Is exchanged for tokens at the realm of the registry (an OAuth2 refresh token). */
  | { readonly kind: 'identity-token'; readonly token: Secret }
  /** Is sent as it is. */
  | { readonly kind: 'bearer'; readonly token: Secret };
