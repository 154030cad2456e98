declare const why: unique symbol;

/** No value has the type `Excluded`: an option of this type can not stand where it stands, for the reason that the compiler shows. */
export interface Excluded<Why extends string> {
  /** The reason, for the compiler to show. */
  readonly [why]: Why;
}
