// A component that is drawn again only when its properties or its own topics change, not with its parent.
import { Component, type ComponentType, createElement, type FunctionComponent } from 'preact';

export function memo<P extends object>(inner: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    static override displayName = `Memo(${inner.displayName ?? inner.name})`;

    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const now = this.props as Readonly<P>;
      const names = Object.keys(next) as (keyof P)[];
      return names.length !== Object.keys(now).length || names.some((name) => next[name] !== now[name]);
    }

    override render() {
      return createElement(inner, this.props as P);
    }
  };
}
