# frozen_string_literal: true

# Workers wait for the main ractor where they load a file, and whatever is busy there costs all of them: so while they
# serve, nothing of Kino's runs in it.
RSpec.describe "The main ractor, in ractor mode" do
  include Serving

  let(:mode) { :ractor }

  it "runs no line of Kino's while its workers serve" do
    others = Thread.list
    lines = []
    # It traces the ractor that it is in, alone.
    trace = TracePoint.new(:line, :c_call) do |point|
      lines << "#{point.path}:#{point.lineno}" unless others.include?(Thread.current)
    end

    serve(Probes::Echo, lint: false, threads: 1, on_error: []) do |server|
      RawClient.open(server.url) do |client|
        client.get("/")
        eventually("its threads wait") { (Thread.list - others).all? { |thread| thread.status == "sleep" } }
        trace.enable { 50.times { expect(client.get("/").status).to eq(200) } }
      end
    end

    expect(lines).to eq([])
  end

  it "has such lines told where there are any" do
    others = Thread.list
    lines = []
    trace = TracePoint.new(:line) { |point| lines << point.path unless others.include?(Thread.current) }
    trace.enable(target_thread: nil) { Thread.new { [1].sum }.join }

    expect(lines).to include(__FILE__)
  end
end
