# frozen_string_literal: true

RSpec.describe "env[\"kino.response_trailers\"]" do
  each_mode(of_one_process: true) do
    # An app whose answer's trailers are filled by its body.
    def app_with(trailers, headers = {}, &body)
      Ractor.make_shareable([trailers, headers])
      make = shareable(&body)
      shareable do
        lambda do |env|
          own = env["kino.response_trailers"] = {}
          [200, headers.dup, make.call(-> { own.update(trailers) })]
        end
      end
    end

    # What follows the last chunk of an answer.
    def trailers_of(app, **options)
      converse(app, **options) do |client|
        client.write(RawClient.message("GET", "/", { "te" => "trailers", "connection" => "close" }))
        _, _, _, fields = client.read_head
        rest = client.read_to_end
        yield fields.to_h, rest if block_given?
        rest.split("0\r\n", 2).last
      end
    end

    it "are sent after the body's end, by each" do
      app = app_with({ "x-sum" => "42", "x-list" => %w[a b] }, { "trailer" => "x-sum, x-list" }) do
        lambda do |fill|
          Bodies::Each.new("abc") { fill.call }
        end
      end
      expect(trailers_of(app) { |fields, _| expect(fields["trailer"]).to eq("x-sum, x-list") })
        .to eq("x-sum: 42\r\nx-list: a\r\nx-list: b\r\n\r\n")
    end

    it "are sent after the body's end, by call" do
      app = app_with({ "x-sum" => "42" }) do
        lambda do |fill|
          Bodies::Called.new("abc") { fill.call }
        end
      end
      expect(trailers_of(app)).to eq("x-sum: 42\r\n\r\n")
    end

    it "are none where the body fills none" do
      app = app_with({}) { ->(_) { Bodies::Each.new("abc") } }
      expect(trailers_of(app)).to eq("\r\n")
    end

    it "have no place in an answer that is not sent in chunks" do
      app = app_with({ "x-sum" => "42" }, { "content-length" => "3" }) do
        lambda do |fill|
          Bodies::Each.new("abc") { fill.call }
        end
      end
      expect(ask(app).body).to eq("abc")
      converse(app) { |client| expect(client.write("GET / HTTP/1.0\r\n\r\n").read_to_end).to end_with("\r\n\r\nabc") }
    end

    { "content-length" => "4", "Transfer-Encoding" => "chunked", "x-evil" => "a\r\nb: c", "bad name" => "1" }
      .each do |name, value|
      it "can't be #{name}: #{value.inspect}; the client sees that the answer is not whole, and it is logged" do
        app = app_with({ name => value }) do
          lambda do |fill|
            Bodies::Each.new("abc") { fill.call }
          end
        end
        converse(app) do |client, _, log|
          rest = client.write(RawClient.message("GET", "/")).read_to_end
          expect(rest).to end_with("3\r\nabc\r\n")
          log.wait_for(/Kino::ResponseError/)
        end
      end
    end
  end
end
