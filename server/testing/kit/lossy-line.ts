/** A `LossyLine` loses answers on their way to a client when it is told to. */
export class LossyLine {
  #hasClients = false;
  #toDrop = 0;

  over<Send extends (...args: never[]) => Promise<unknown>>(send: Send): Send {
    this.#hasClients = true;
    const lossy = async (...args: never[]) => {
      const answer = await send(...args);
      if (this.#toDrop === 0) return answer;
      this.#toDrop--;
      if (answer instanceof Response) await answer.body?.cancel();
      throw new TypeError('fetch failed', { cause: new Error('kit.dropAnswer() lost this answer') });
    };
    return lossy as Send;
  }

  drop(): void {
    if (!this.#hasClients) {
      throw new Error('Expected a client that sends by kit.lossy(send) before kit.dropAnswer() is called');
    }
    this.#toDrop++;
  }
}
