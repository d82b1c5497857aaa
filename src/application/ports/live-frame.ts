/** An event as its followers get it. */
export interface LiveFrame {
  readonly seq: number;
  readonly frame: string;
}
