// The page before a fake service, for looking at it: npm run fake [PORT]
import { FakeService } from '../test/support/fake_service.mjs';
import { play } from '../test/support/scene.mjs';
import { makePage } from './page.mjs';

const { assets } = await makePage();
const service = new FakeService({ assets });
console.log(await service.listen(Number(process.argv[2] ?? 7118)));
play(service);
