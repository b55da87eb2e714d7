# frozen_string_literal: true

require "kino/rack/callbacks"
require "kino/rack/failure"
require "stringio"

RSpec.describe Kino.const_get(:Callbacks) do
  let(:errors) { StringIO.new }
  let(:told) { [] }
  let(:callbacks) { described_class.new(Kino.const_get(:Failure).new(errors)) { false } }

  def env(finished, reply = []) = { "rack.response_finished" => finished, "rack.after_reply" => reply }

  it "calls those of rack.after_reply as they were registered, and then the others, the last first" do
    list = [1, 2, 3].map { |number| ->(*) { told << number } }
    replies = [4, 5].map { |number| ->(*given) { told << [number, given] } }

    callbacks.call(env(list, replies), 200, {}, nil)
    expect(told).to eq([[4, []], [5, []], 3, 2, 1])
  end

  it "goes on where an app has put something else, or nothing" do
    callbacks.call(env(nil, -> { raise "not called" }), 200, {}, nil)
    callbacks.call({}, 200, {}, nil)
    expect(errors.string).to eq("")
  end

  it "gives env, status, headers and error, or nothing to what takes nothing" do
    object = Class.new do
      def initialize(told) = @told = told
      def call = @told << :object
    end
    request = env([->(*given) { told << given }, -> { told << :nothing }, object.new(told), method(:note)])

    callbacks.call(request, 404, { "a" => "b" }, nil)
    expect(told).to eq([[:note, 404], :object, :nothing, [request, 404, { "a" => "b" }, nil]])
  end

  def note(_env, status, _headers, _error) = told << [:note, status]

  it "logs what one raises, and goes on" do
    callbacks.call(env([-> { told << :first }, -> { raise Exception, "in a callback" }]), 200, {}, nil)

    expect(told).to eq([:first])
    expect(errors.string).to include("in a callback")
  end

  it "knows whether there is any" do
    expect(callbacks.any?(env([]))).to be(false)
    expect(callbacks.any?({})).to be(false)
    expect(callbacks.any?(env([], [-> {}]))).to be(true)
  end
end
