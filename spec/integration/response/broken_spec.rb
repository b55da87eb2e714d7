# frozen_string_literal: true

require "tmpdir"

RSpec.describe "A response that breaks its word" do
  kinds = { "each" => Bodies::Each, "call" => Bodies::Called, "to_ary" => Bodies::Listed }

  each_mode(of_one_process: true) do
    # What came after the head, up to the end of the connection.
    def rest(client)
      client.write(RawClient.message("GET", "/"))
      client.read_head
      client.read_to_end
    end

    kinds.each do |kind, body_class|
      it "with a body longer than its content-length, by #{kind}: never a byte past it, then closed, logged" do
        app = shareable { ->(_) { [200, { "content-length" => "5" }, body_class.new("hel", "lo, w", "orld")] } }
        converse(app, lint: false) do |client, _, log|
          expect(rest(client)).to eq("hello")
          log.wait_for(/content-length/i)
        end
      end

      it "with a body shorter than its content-length, by #{kind}: what there is, then closed, logged" do
        app = shareable { ->(_) { [200, { "content-length" => "50" }, body_class.new("hel", "lo")] } }
        converse(app, lint: false) do |client, _, log|
          expect(rest(client)).to eq("hello")
          log.wait_for(/content-length/i)
        end
      end
    end

    it "with a file longer or shorter than its content-length is held to it too" do
      Dir.mktmpdir do |folder|
        path = File.join(folder, "file").freeze
        File.write(path, "hello, world")
        { "5" => "hello", "50" => "hello, world" }.each do |length, sent|
          app = shareable { ->(_) { [200, { "content-length" => length }, Bodies::Filed.new(path)] } }
          converse(app, lint: false) do |client, _, log|
            expect(rest(client)).to eq(sent)
            log.wait_for(/content-length/i)
          end
        end
      end
    end

    { "each" => Bodies::Each, "call" => Bodies::Called }.each do |kind, body_class|
      it "by raising half-way, by #{kind}: the chunks have no end, so that the client can tell" do
        app = shareable { ->(_) { [200, {}, body_class.new("one", "two") { raise ArgumentError, "half-way" }] } }
        converse(app) do |client, _, log|
          expect(rest(client)).to eq("3\r\none\r\n3\r\ntwo\r\n")
          expect(log.wait_for(/half-way/)).to include("ArgumentError", "broken_spec.rb:")
        end
      end

      it "by raising half-way of its content-length, by #{kind}: closed short of it" do
        app = shareable do
          ->(_) { [200, { "content-length" => "9" }, body_class.new("one", "two") { raise "half-way" }] }
        end
        converse(app) do |client, _, log|
          expect(rest(client)).to eq("onetwo")
          log.wait_for(/half-way/)
        end
      end

      it "by raising before its first part, by #{kind}: nothing has been sent, so it is a 500" do
        app = shareable { ->(_) { [200, {}, body_class.new { raise "at once" }] } }
        converse(app) do |client, _, log|
          expect(Array.new(2) { client.get.status }).to eq([500, 500])
          log.wait_for(/at once/)
        end
      end
    end

    it "by yielding what is no String: closed, logged" do
      app = shareable { ->(_) { [200, {}, Bodies::Each.new("one", Object.new)] } }
      converse(app, lint: false) do |client, _, log|
        expect(rest(client)).to eq("3\r\none\r\n")
        log.wait_for(/Object/)
      end
    end

    it "does not cost a worker" do
      app = shareable do
        lambda do |env|
          next [200, {}, ["well"]] if env["PATH_INFO"] == "/well"

          [200, { "content-length" => "9" }, Bodies::Each.new("one") { raise Exception, "half-way" }]
        end
      end
      serve(app, lint: false, workers: 1, threads: 2) do |server, log|
        5.times { RawClient.open(server.url) { |client| expect(rest(client)).to eq("one") } }
        5.times { expect(RawClient.open(server.url) { |client| client.get("/well").body }).to eq("well") }
        log.wait_for(/half-way/)
      end
    end
  end
end
