// A structured payload: groups fold, keys copy the way to them.
import { useState } from 'preact/hooks';
import { type Group, type Item, isGroup, pathStep, type Tree } from '../payload/tree';
import { en } from '../text/en';
import { copyToClipboard } from './copy_button';

/** Items of a group that are drawn before one asks for more. */
const STEP = 100;
/** Groups with more below than that begin folded, but for the outermost. */
const OPEN_ITEMS = 40;
const OPEN_DEPTH = 6;

const signs = { object: ['{', '}'], list: ['[', ']'] } as const;

interface Props {
  readonly tree: Tree;
  readonly path: string;
  readonly depth: number;
}

function Key({ item, path }: { item: Item; path: string }) {
  const [isCopied, setCopied] = useState(false);
  if (item.key === null) return null;
  const copy = async (): Promise<void> => {
    setCopied(await copyToClipboard(path));
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <>
      <button
        type="button"
        class="json-key"
        title={en.detail.copyPath(path)}
        onClick={() => void copy()}
      >
        {item.key}
      </button>
      {isCopied ? <span class="faint"> {en.detail.pathCopied}</span> : null}
      {': '}
    </>
  );
}

function Items({ group, path, depth }: { group: Group; path: string; depth: number }) {
  const [shown, setShown] = useState(STEP);
  const rest = group.items.length - shown;
  return (
    <div class="tree-items">
      {group.items.slice(0, shown).map((item, index) => {
        const way = path + pathStep(item.key, index);
        // biome-ignore lint/suspicious/noArrayIndexKey: keys may be doubled, the payload never changes
        return <Node key={index} item={item} tree={item.value} path={way} depth={depth + 1} />;
      })}
      {rest > 0 && (
        <button type="button" class="btn quiet" onClick={() => setShown(shown + 10 * STEP)}>
          {en.detail.moreItems(rest)}
        </button>
      )}
    </div>
  );
}

function Node({ item, tree, path, depth }: Props & { item: Item }) {
  const [isOpen, setOpen] = useState(
    depth === 0 || (depth < OPEN_DEPTH && isGroup(tree) && tree.items.length <= OPEN_ITEMS),
  );
  if (!isGroup(tree)) {
    return (
      <div class="tree-line">
        <Key item={item} path={path} />
        <span class={`json-${tree.kind}`}>{tree.text}</span>
      </div>
    );
  }
  const [open, close] = signs[tree.kind];
  if (tree.items.length === 0) {
    return (
      <div class="tree-line">
        <Key item={item} path={path} />
        {open + close}
      </div>
    );
  }
  return (
    <div>
      <div class="tree-line">
        <button
          type="button"
          class="fold-group"
          aria-expanded={isOpen}
          aria-label={isOpen ? en.detail.fold(path) : en.detail.unfold(path)}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? '▾' : '▸'}
        </button>
        <Key item={item} path={path} />
        {open}
        {!isOpen && (
          <>
            <span class="faint"> {en.detail.items(tree.items.length)} </span>
            {close}
          </>
        )}
      </div>
      {isOpen && <Items group={tree} path={path} depth={depth} />}
      {isOpen && <div class="tree-line">{close}</div>}
    </div>
  );
}

export function TreeView({ tree }: { tree: Tree }) {
  return (
    <div class="tree mono">
      <Node item={{ key: null, value: tree }} tree={tree} path="" depth={0} />
    </div>
  );
}
