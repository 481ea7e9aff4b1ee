// A lively scene for the fake service: what the design's drawing shows.

export function play(service) {
  service.addPipe('mpv', { role: 'server' });
  service.addPipe('clangd', { framing: 'headers' });
  service.addPipe('sensors', { mode: 'message', framing: 'none' });
  service.addPipe('feed');
  const control = service.open('mpv', 'mpv-ctl');
  const seekbar = service.open('mpv', 'python3');
  service.say(control, 'c2s', '{"command":["observe_property",1,"time-pos"],"request_id":1}');
  service.say(control, 's2c', '{"request_id":1,"error":"success"}');
  service.say(control, 's2c', '{"event":"property-change","id":1,"name":"time-pos","data":12.041}');
  service.say(seekbar, 'c2s', '{"command":["seek",30,"relative"],"request_id":7}');
  service.say(
    seekbar,
    's2c',
    '{"event":"seek","playlist_entry_id":1,"data":{"from":12.04,"to":42.04,"exact":false}}',
  );
  service.say(seekbar, 's2c', '{"request_id":7,"error":"success"}');
  service.gap(1204);
  service.inject('mpv', seekbar, '{"command":["seek",0,"absolute"]}');
  service.say(seekbar, 's2c', '{"event":"playback-restart"}');
  service.say(control, 's2c', Buffer.from('82a56576656e74a47469636ba4646174610c', 'hex'));
  service.publish([
    service.event({
      kind: 'error',
      pipe: 'mpv',
      session: seekbar,
      detail: 'Session 42 sent 70,000 bytes without a line feed; the limit is 65,536. It was closed.',
    }),
  ]);
  service.close(seekbar, 'limit', 'too_big');
  return control;
}
