# frozen_string_literal: true

RSpec.describe "The log" do
  each_mode do
    def refuse(server, bytes, status)
      RawClient.open(server.url) do |client|
        expect(client.write(bytes).read_response.status).to eq(status)
        expect(client).to be_closed
      end
    end

    it "names a refused request's client and what was wrong, each cause once a second at most" do
      serve(Probes::Echo) do |server, log|
        3.times { refuse(server, "GET / HTTP/1.1\r\n\r\n", 400) }
        refuse(server, "POST / HTTP/1.1\r\nhost: a\r\nexpect: a miracle\r\ncontent-length: 1\r\n\r\n", 417)
        refuse(server, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 501)
        refuse(server, "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", 501)
        refuse(server, "GET / HTTP/3.0\r\nhost: a\r\n\r\n", 505)
        [/answered with 400: .*host.* peer=127\.0\.0\.1$/, /answered with 417: .*100-continue.* peer=127\.0\.0\.1$/,
         /answered with 501: .*chunked.* peer=/, /answered with 501: .*no proxy.* peer=/,
         /answered with 505: .*HTTP.* peer=/].each { |line| log.wait_for(line) }
        expect(log.text.scan("answered with 400").size).to be < 3
      end
    end

    it "says so when a client speaks TLS" do
      serve(Probes::Echo) do |server, log|
        refuse(server, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03".b, 400)
        log.wait_for(/answered with 400: this port speaks HTTP, not TLS peer=127\.0\.0\.1$/)
      end
    end

    it "has no line for a client that is too slow" do
      serve(Probes::Echo, header_timeout: 0.1) do |server, _log|
        refuse(server, "GET / HT", 408)
      end
    end
  end
end
